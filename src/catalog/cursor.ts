/** Where a page of files ended. Keyed by what the list is ordered by, so that uploads in between shift nothing. */
import { StorageError } from '../errors.ts'

export type PagePosition = { createdAt: number; id: string }

export const encodeCursor = (at: PagePosition): string => Buffer.from(`${at.createdAt}:${at.id}`).toString('base64url')

/** Errors: InvalidArgument for anything that `encodeCursor` did not make. */
export function decodeCursor(cursor: string): PagePosition {
  const text = cursor.length <= 1024 ? Buffer.from(cursor, 'base64url').toString() : ''
  const match = /^(\d{1,15}):([\x21-\x7e]{1,255})$/.exec(text)
  const at = match ? { createdAt: Number(match[1]), id: match[2]! } : null
  if (at === null || encodeCursor(at) !== cursor) {
    throw new StorageError('InvalidArgument', { message: 'cursor is not one that a list of files has returned' })
  }
  return at
}
