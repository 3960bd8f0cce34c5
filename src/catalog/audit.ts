/** Queries of `postern verify`: every file, and whether the recorded usage matches the rows. */
import { sql } from 'kysely'
import type { Kysely, Transaction } from 'kysely'
import type { Upload, Usage, UsageDifference } from './catalog.ts'
import { toUpload } from './rows.ts'
import type { Schema } from './schema.ts'
import { selectUploads } from './uploads.ts'
import { lockUsage } from './usage.ts'

/** Uploads of every owner and status, by id. */
export async function allUploads(db: Kysely<Schema>, o: { limit: number; after?: string }): Promise<Upload[]> {
  let query = selectUploads(db).orderBy('files.id').limit(o.limit)
  if (o.after !== undefined) query = query.where('files.id', '>', o.after)
  return (await query.execute()).map(toUpload)
}

type Sums = { owner: string; bytes: unknown; files: unknown; reserved_bytes: unknown; reserved_files: unknown }

/** Sums of the rows. One statement, so that it reads one snapshot. */
const counted = sql<Sums>`
  select owner, sum(coalesce(size, 0)) as bytes, count(*) as files, 0 as reserved_bytes, 0 as reserved_files
    from files where status = 'confirmed' group by owner
  union all
  select grant_owner as owner, 0, 0, sum(reserved_bytes), count(*) from uploads where settled = 0 group by grant_owner`

const summed = (rows: ReturnType<typeof sql<Sums>>) => sql<Sums>`
  select owner, sum(bytes) as bytes, sum(files) as files, sum(reserved_bytes) as reserved_bytes,
    sum(reserved_files) as reserved_files
  from (${rows}) as found group by owner`

export async function usageDifferences(db: Kysely<Schema>): Promise<UsageDifference[]> {
  const { rows } = await sql<Sums & { [name in `is_${string}`]: unknown }>`
    select coalesce(u.owner, c.owner) as owner,
      coalesce(u.bytes, 0) as bytes, coalesce(u.files, 0) as files,
      coalesce(u.reserved_bytes, 0) as reserved_bytes, coalesce(u.reserved_files, 0) as reserved_files,
      coalesce(c.bytes, 0) as is_bytes, coalesce(c.files, 0) as is_files,
      coalesce(c.reserved_bytes, 0) as is_reserved_bytes, coalesce(c.reserved_files, 0) as is_reserved_files
    from usage u full outer join (${summed(counted)}) c on c.owner = u.owner
    where coalesce(u.bytes, 0) <> coalesce(c.bytes, 0) or coalesce(u.files, 0) <> coalesce(c.files, 0)
      or coalesce(u.reserved_bytes, 0) <> coalesce(c.reserved_bytes, 0)
      or coalesce(u.reserved_files, 0) <> coalesce(c.reserved_files, 0)
    order by 1`.execute(db)
  return rows.map((row) => ({
    owner: row.owner,
    recorded: toUsage(row),
    counted: toUsage({
      owner: row.owner,
      bytes: row.is_bytes,
      files: row.is_files,
      reserved_bytes: row.is_reserved_bytes,
      reserved_files: row.is_reserved_files,
    }),
  }))
}

export const recountUsage = (db: Kysely<Schema>, owner: string): Promise<Usage> =>
  db.transaction().execute(async (tx: Transaction<Schema>) => {
    await lockUsage(tx, owner)
    const { rows } = await sql<Sums>`select * from (${summed(counted)}) as all_owners where owner = ${owner}`.execute(
      tx,
    )
    const usage = toUsage(rows[0] ?? { owner, bytes: 0, files: 0, reserved_bytes: 0, reserved_files: 0 })
    await tx
      .updateTable('usage')
      .set({
        bytes: usage.bytes,
        files: usage.files,
        reserved_bytes: usage.reservedBytes,
        reserved_files: usage.reservedFiles,
      })
      .where('owner', '=', owner)
      .execute()
    return usage
  })

const toUsage = (row: Sums): Usage => ({
  bytes: Number(row.bytes),
  files: Number(row.files),
  reservedBytes: Number(row.reserved_bytes),
  reservedFiles: Number(row.reserved_files),
})
