/** Usage: one row per owner with stored and reserved amounts, changed in the transaction that changes the files. */
import { sql } from 'kysely'
import type { Kysely, Transaction } from 'kysely'
import type { Usage } from './catalog.ts'
import type { Schema, UsageRow } from './schema.ts'

const columns = ['bytes', 'files', 'reserved_bytes', 'reserved_files'] as const
const nothing: Usage = { bytes: 0, files: 0, reservedBytes: 0, reservedFiles: 0 }

const toUsage = (row: Omit<UsageRow, 'owner'>): Usage => ({
  bytes: Number(row.bytes),
  files: Number(row.files),
  reservedBytes: Number(row.reserved_bytes),
  reservedFiles: Number(row.reserved_files),
})

/** The quota counts both, so bytes of a pending upload count the same whether stored or reserved. */
export async function getUsage(db: Kysely<Schema>, owner: string): Promise<Usage> {
  const row = await db
    .selectFrom('usage')
    .select(columns)
    .select((eb) =>
      eb
        .selectFrom('uploads')
        .select((sum) => sum.fn.sum<number>('written_bytes').as('written'))
        .where('grant_owner', '=', owner)
        .where('settled', '=', sql.lit(0))
        .where('written_bytes', '>', sql.lit(0))
        .as('written'),
    )
    .where('owner', '=', owner)
    .executeTakeFirst()
  if (row === undefined) return { ...nothing }
  const usage = toUsage(row)
  const written = Number(row.written ?? 0)
  return { ...usage, bytes: usage.bytes + written, reservedBytes: Math.max(0, usage.reservedBytes - written) }
}

export async function totalUsage(db: Kysely<Schema>): Promise<Usage> {
  const row = await db
    .selectFrom('usage')
    .select((eb) => columns.map((column) => eb.fn.coalesce(eb.fn.sum<number>(column), eb.lit(0)).as(column)))
    .executeTakeFirst()
  return row === undefined ? { ...nothing } : toUsage(row as Omit<UsageRow, 'owner'>)
}

/** Reads the owner's usage and locks the row until the transaction ends, by an update without changes. */
export async function lockUsage(tx: Transaction<Schema>, owner: string): Promise<Usage> {
  const row = await tx
    .insertInto('usage')
    .values({ owner, bytes: 0, files: 0, reserved_bytes: 0, reserved_files: 0 })
    .onConflict((conflict) => conflict.column('owner').doUpdateSet({ owner }))
    .returning(columns)
    .executeTakeFirstOrThrow()
  return toUsage(row)
}

/** Adds the given amounts and resolves to the result. A check constraint rejects negative values. */
export async function changeUsage(tx: Transaction<Schema>, owner: string, by: Partial<Usage>): Promise<Usage> {
  const row = await tx
    .updateTable('usage')
    .set((eb) => ({
      bytes: eb('bytes', '+', by.bytes ?? 0),
      files: eb('files', '+', by.files ?? 0),
      reserved_bytes: eb('reserved_bytes', '+', by.reservedBytes ?? 0),
      reserved_files: eb('reserved_files', '+', by.reservedFiles ?? 0),
    }))
    .where('owner', '=', owner)
    .returning(columns)
    .executeTakeFirstOrThrow()
  return toUsage(row)
}
