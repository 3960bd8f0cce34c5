import type { Kysely } from 'kysely'
import type { FileRecord } from './catalog.ts'
import { fileRow } from './rows.ts'
import type { Schema } from './schema.ts'
import { changeUsage, lockUsage } from './usage.ts'

type Store = FileRecord['store']

export async function storeId(db: Kysely<Schema>, name: Store): Promise<string | null> {
  const row = await db.selectFrom('stores').select('store_id').where('name', '=', name).executeTakeFirst()
  return row?.store_id ?? null
}

export async function recordStore(db: Kysely<Schema>, name: Store, id: string): Promise<void> {
  await db
    .insertInto('stores')
    .values({ name, store_id: id })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ store_id: id }))
    .execute()
}

export const restoreFile = (db: Kysely<Schema>, file: FileRecord): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    const added = await tx
      .insertInto('files')
      .values(fileRow(file))
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    if (added === undefined) return false
    await lockUsage(tx, file.owner)
    await changeUsage(tx, file.owner, { bytes: file.size ?? 0, files: 1 })
    return true
  })
