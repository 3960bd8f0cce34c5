/** Queries of the collector. Pages are keyed by their sort columns, so that rows that stay do not block the rest. */
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Upload } from './catalog.ts'
import { toUpload } from './rows.ts'
import { fileColumns, grantColumns } from './schema.ts'
import type { Schema } from './schema.ts'

type DueColumn = 'uploads.confirm_by' | 'uploads.url_expires_at'

const due = (db: Kysely<Schema>, settled: boolean, by: DueColumn, limit: number) =>
  db
    .selectFrom('uploads')
    .innerJoin('files', 'files.id', 'uploads.file_id')
    .select(fileColumns)
    .select(grantColumns)
    // Literals, because a database uses a partial index only if the statement's text implies its condition.
    .where('uploads.settled', '=', sql.lit(settled ? 1 : 0))
    .orderBy(by)
    .orderBy('uploads.file_id')
    .limit(limit)

const isAfter = (by: DueColumn, at: Date, fileId: string) =>
  sql<boolean>`(${sql.ref(by)}, uploads.file_id) > (${at.getTime()}, ${fileId})`

export async function overdueUploads(db: Kysely<Schema>, now: Date, limit: number, after?: Upload): Promise<Upload[]> {
  let query = due(db, false, 'uploads.confirm_by', limit).where('uploads.confirm_by', '<=', now.getTime())
  if (after?.grant) query = query.where(isAfter('uploads.confirm_by', after.grant.confirmBy, after.file.id))
  return (await query.execute()).map(toUpload)
}

export async function autoConfirmable(
  db: Kysely<Schema>,
  o: { owner?: string; limit: number; after?: Upload },
): Promise<Upload[]> {
  let query = due(db, false, 'uploads.confirm_by', o.limit).where('uploads.auto_confirm', '=', sql.lit(1))
  if (o.owner !== undefined) query = query.where('uploads.grant_owner', '=', o.owner)
  if (o.after?.grant) query = query.where(isAfter('uploads.confirm_by', o.after.grant.confirmBy, o.after.file.id))
  return (await query.execute()).map(toUpload)
}

export async function removableGrants(db: Kysely<Schema>, now: Date, limit: number, after?: Upload): Promise<Upload[]> {
  let query = due(db, true, 'uploads.url_expires_at', limit).where('uploads.url_expires_at', '<=', now.getTime())
  if (after?.grant) query = query.where(isAfter('uploads.url_expires_at', after.grant.urlExpiresAt, after.file.id))
  return (await query.execute()).map(toUpload)
}

export const dropGrant = (db: Kysely<Schema>, fileId: string): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await tx.deleteFrom('uploads').where('file_id', '=', fileId).where('settled', '=', 1).execute()
    await tx.deleteFrom('files').where('id', '=', fileId).where('status', 'in', ['deleted', 'expired']).execute()
  })
