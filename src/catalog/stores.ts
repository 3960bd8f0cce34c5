import type { Kysely, Transaction } from 'kysely'
import type { CatalogGeneration } from '../drivers/driver.ts'
import type { FileRecord } from './catalog.ts'
import { fileRow } from './rows.ts'
import type { FileRow, Schema } from './schema.ts'
import { settleGrant } from './uploads.ts'
import { changeUsage, lockUsage } from './usage.ts'

type Store = FileRecord['store']

export async function storeId(db: Kysely<Schema>, name: Store): Promise<string | null> {
  const row = await db.selectFrom('stores').select('store_id').where('name', '=', name).executeTakeFirst()
  return row?.store_id ?? null
}

export async function recordStore(db: Kysely<Schema>, name: Store, id: string): Promise<void> {
  const fresh = { store_id: id, generation: 0, mark: null, announced: 0, announced_mark: null }
  await db
    .insertInto('stores')
    .values({ name, ...fresh })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(fresh).where('stores.store_id', '!=', id))
    .execute()
}

export async function generation(db: Kysely<Schema>, name: Store): Promise<CatalogGeneration> {
  const row = await db.selectFrom('stores').selectAll().where('name', '=', name).executeTakeFirst()
  return {
    current: { number: Number(row?.generation ?? 0), mark: row?.mark ?? '' },
    announced: { number: Number(row?.announced ?? 0), mark: row?.announced_mark ?? '' },
  }
}

export const recordGeneration = (
  db: Kysely<Schema>,
  name: Store,
  { announced, current }: Partial<CatalogGeneration>,
): Promise<void> =>
  db.transaction().execute(async (tx) => {
    const update = tx.updateTable('stores').where('name', '=', name)
    if (announced) {
      await update
        .set({ announced: announced.number, announced_mark: announced.mark })
        .where('announced', '<', announced.number)
        .execute()
    }
    if (current) {
      await update
        .set({ generation: current.number, mark: current.mark })
        .where('generation', '<', current.number)
        .execute()
    }
  })

export const restoreFile = (db: Kysely<Schema>, file: FileRecord): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    const row = fileRow(file)
    const added = await tx
      .insertInto('files')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    if (added === undefined) return confirmPending(tx, file, row)
    await lockUsage(tx, file.owner)
    await changeUsage(tx, file.owner, { bytes: file.size ?? 0, files: 1 })
    return true
  })

/** A catalog from before the confirmation has the file as a pending upload, which would expire. */
async function confirmPending(tx: Transaction<Schema>, file: FileRecord, row: FileRow): Promise<boolean> {
  const held = await tx
    .updateTable('files')
    .set(row)
    .where('id', '=', file.id)
    .where('owner', '=', file.owner)
    .where('status', '=', 'pending')
    .returning('id')
    .executeTakeFirst()
  if (held === undefined) return false
  const reserved = await settleGrant(tx, file.id)
  await lockUsage(tx, file.owner)
  await changeUsage(tx, file.owner, { bytes: file.size ?? 0, files: 1, reservedBytes: -reserved, reservedFiles: -1 })
  return true
}
