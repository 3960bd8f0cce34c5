/** The end of a page of files. Keyed by the sort columns, so that new uploads do not shift the next page. */
import { StorageError } from '../errors.ts'

export type PagePosition = { createdAt: number; id: string }

export const encodeCursor = (at: PagePosition): string => Buffer.from(`${at.createdAt}:${at.id}`).toString('base64url')

/** Errors: InvalidArgument for a value that `encodeCursor` did not return. */
export function decodeCursor(cursor: string): PagePosition {
  const text = cursor.length <= 1024 ? Buffer.from(cursor, 'base64url').toString() : ''
  const match = /^(\d{1,15}):([\x21-\x7e]{1,255})$/.exec(text)
  const at = match ? { createdAt: Number(match[1]), id: match[2]! } : null
  if (at === null || encodeCursor(at) !== cursor) {
    throw new StorageError('InvalidArgument', {
      message: 'cursor is not valid. Use the nextCursor of the previous page, or leave it out',
    })
  }
  return at
}
