/** Pending and confirmed files of one owner. */
import { sql } from 'kysely'
import type { Kysely, Transaction } from 'kysely'
import type { FilePage, FileRecord, Upload } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { dropLinksOf } from './links.ts'
import { endMovedOf } from './moved.ts'
import { note, type Outbox } from './outbox.ts'
import { grantRow, toFile } from './rows.ts'
import { fileColumns } from './schema.ts'
import type { Schema } from './schema.ts'
import { containsPattern, searchable } from './search.ts'
import { readGrant, settleGrant } from './uploads.ts'
import { changeUsage } from './usage.ts'

const visible = ['pending', 'confirmed'] as const

export async function getFile(db: Kysely<Schema>, owner: string, id: string): Promise<FileRecord | null> {
  const row = await db
    .selectFrom('files')
    .select(fileColumns)
    .where('id', '=', id)
    .where('owner', '=', owner)
    .where('status', 'in', visible)
    .executeTakeFirst()
  return row === undefined ? null : toFile(row)
}

export async function listFiles(
  db: Kysely<Schema>,
  owner: string,
  o: { limit: number; cursor?: string; q?: string },
): Promise<FilePage> {
  let query = db.selectFrom('files').select(fileColumns).where('owner', '=', owner).where('status', 'in', visible)
  if (o.cursor !== undefined) {
    const after = decodeCursor(o.cursor)
    query = query.where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(after.createdAt, after.id)))
  }
  if (o.q !== undefined && o.q !== '') {
    const pattern = containsPattern(o.q)
    // No filename is that long or contains a NUL, and databases reject such patterns.
    if (pattern.length > 10_000 || pattern.includes('\0')) return { files: [], nextCursor: null }
    query = query.where(sql<boolean>`search like ${pattern} escape '\\'`)
  }
  const rows = await query
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(o.limit + 1)
    .execute()
  const files = rows.slice(0, o.limit).map(toFile)
  const last = files.at(-1)
  const more = rows.length > o.limit && last !== undefined
  return { files, nextCursor: more ? encodeCursor({ createdAt: last.createdAt.getTime(), id: last.id }) : null }
}

export async function updateFile(
  db: Kysely<Schema>,
  owner: string,
  id: string,
  patch: { filename?: string; metadata?: Record<string, string> },
): Promise<FileRecord | null> {
  if (patch.filename === undefined && patch.metadata === undefined) return getFile(db, owner, id)
  const row = await db
    .updateTable('files')
    .set({
      ...(patch.filename === undefined ? {} : { filename: patch.filename, search: searchable(patch.filename) }),
      ...(patch.metadata === undefined ? {} : { metadata: JSON.stringify(patch.metadata) }),
    })
    .where('id', '=', id)
    .where('owner', '=', owner)
    .where('status', 'in', visible)
    .returning(fileColumns)
    .executeTakeFirst()
  return row === undefined ? null : toFile(row)
}

export const deleteFile = (
  db: Kysely<Schema>,
  owner: string,
  id: string,
  now: Date,
  outbox: Outbox,
): Promise<Upload | null> =>
  db.transaction().execute(async (tx) => {
    const row = await tx
      .updateTable('files')
      .set({ status: 'deleted' })
      .where('id', '=', id)
      .where('owner', '=', owner)
      .where('status', 'in', visible)
      .returning(fileColumns)
      .executeTakeFirst()
    if (row === undefined) return null
    const file = toFile(row)
    const reserved = await settleGrant(tx, id)
    const change =
      file.confirmedAt === null
        ? { reservedBytes: -reserved, reservedFiles: -1 }
        : { bytes: -(file.size ?? 0), files: -1 }
    await changeUsage(tx, owner, change)
    await keepGrant(tx, file, now)
    await dropLinksOf(tx, id)
    await endMovedOf(tx, id, now)
    // Subscribers do not know a file that was never confirmed.
    if (file.confirmedAt !== null) await note(tx, outbox, 'file.deleted', file, now)
    return { file, grant: await readGrant(tx, id) }
  })

/**
 * Restores a dropped grant as expired when its file is deleted. Through it, the collector finds the object until the
 * object is deleted.
 */
const keepGrant = (tx: Transaction<Schema>, file: FileRecord, now: Date) =>
  tx
    .insertInto('uploads')
    .values(
      grantRow(
        {
          fileId: file.id,
          method: 'PUT',
          target: { bucket: file.object.bucket, key: file.key },
          declaredSize: null,
          declaredChecksum: null,
          writeOnce: true,
          autoConfirm: false,
          reservedBytes: 0,
          urlExpiresAt: now,
          confirmBy: now,
          multipart: null,
        },
        file.owner,
        true,
      ),
    )
    .onConflict((conflict) => conflict.column('file_id').doNothing())
    .execute()
