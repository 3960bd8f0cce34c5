import { storedObjects } from '../object-rows.ts'
import { isProtected } from '../versions/object-locks.ts'
import type { Index } from '../open-index.ts'

/** A user of a blob: an object, or a part of an unfinished upload. */
export type BlobUser = { bucket: string; key: string; uploadId?: string; partNumber?: number }

const max = 100

export function usersOf(db: Index, blob: string): BlobUser[] {
  return [
    ...db
      .prepare<[string, string, number], BlobUser>(
        `SELECT bucket, key FROM ${storedObjects} WHERE (content = ? AND parts = 0)
          OR (parts > 0 AND content IN (SELECT content FROM segments WHERE blob = ?)) LIMIT ?`,
      )
      .all(blob, blob, max),
    ...db
      .prepare<[string, number], BlobUser>(
        `SELECT u.bucket, u.key, p.upload AS uploadId, p.number AS partNumber
          FROM parts p JOIN uploads u ON u.id = p.upload WHERE p.blob = ? LIMIT ?`,
      )
      .all(blob, max),
  ]
}

/** Whether an object lock protects an object that has this blob. */
export function isLocked(db: Index, blob: string): boolean {
  const locks = db
    .prepare<[string, string], string>(
      `SELECT lock FROM ${storedObjects} WHERE lock IS NOT NULL AND ((content = ? AND parts = 0)
        OR (parts > 0 AND content IN (SELECT content FROM segments WHERE blob = ?)))`,
    )
    .pluck()
    .all(blob, blob)
  return locks.some((lock) => isProtected(lock, Date.now()))
}
