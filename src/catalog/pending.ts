/** Pending uploads of one owner. */
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { UploadPage } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { toUpload } from './rows.ts'
import { fileColumns, grantColumns } from './schema.ts'
import type { Schema } from './schema.ts'

export async function pendingUploads(
  db: Kysely<Schema>,
  owner: string,
  o: { limit: number; cursor?: string },
): Promise<UploadPage> {
  let query = db
    .selectFrom('uploads')
    .innerJoin('files', 'files.id', 'uploads.file_id')
    .select(fileColumns)
    .select(grantColumns)
    // A literal, because a database uses a partial index only if the statement's text implies its condition.
    .where('uploads.settled', '=', sql.lit(0))
    .where('uploads.grant_owner', '=', owner)
  if (o.cursor !== undefined) {
    const after = decodeCursor(o.cursor)
    query = query.where((eb) =>
      eb(eb.refTuple('files.created_at', 'files.id'), '<', eb.tuple(after.createdAt, after.id)),
    )
  }
  const rows = await query
    .orderBy('files.created_at', 'desc')
    .orderBy('files.id', 'desc')
    .limit(o.limit + 1)
    .execute()
  const uploads = rows.slice(0, o.limit).map(toUpload)
  const last = uploads.at(-1)?.file
  const more = rows.length > o.limit && last !== undefined
  return { uploads, nextCursor: more ? encodeCursor({ createdAt: last.createdAt.getTime(), id: last.id }) : null }
}
