/** Files that move between stores. A copy becomes the file's object in one transaction, or never. */
import type { Kysely, Transaction } from 'kysely'
import type { FileRecord, Upload } from './catalog.ts'
import type { MoveCatalog, MovedObject, StoreCount } from './move-catalog.ts'
import { objectColumns, toUpload } from './rows.ts'
import type { MovedObjectRow, Schema } from './schema.ts'
import { selectUploads } from './uploads.ts'

const movedColumns = [
  'id',
  'file_id',
  'kind',
  'store',
  'object_bucket',
  'object_key',
  'object_version_id',
] as const satisfies (keyof MovedObjectRow)[]

const toMoved = (row: Pick<MovedObjectRow, (typeof movedColumns)[number]>): MovedObject => ({
  id: row.id,
  fileId: row.file_id,
  kind: row.kind,
  store: row.store,
  object: {
    bucket: row.object_bucket,
    key: row.object_key,
    ...(row.object_version_id === null ? {} : { versionId: row.object_version_id }),
  },
})

const movedRow = (o: MovedObject, removableAt: Date | null): MovedObjectRow => ({
  id: o.id,
  file_id: o.fileId,
  kind: o.kind,
  store: o.store,
  object_bucket: o.object.bucket,
  object_key: o.object.key,
  object_version_id: o.object.versionId ?? null,
  removable_at: removableAt?.getTime() ?? null,
  removing: 0,
})

export async function filesIn(
  db: Kysely<Schema>,
  store: FileRecord['store'],
  o: { limit: number; after?: string },
): Promise<Upload[]> {
  let query = selectUploads(db)
    .where('files.store', '=', store)
    .where('files.status', '=', 'confirmed')
    .orderBy('files.id')
    .limit(o.limit)
  if (o.after !== undefined) query = query.where('files.id', '>', o.after)
  return (await query.execute()).map(toUpload)
}

export async function countIn(db: Kysely<Schema>, store: FileRecord['store']): Promise<StoreCount> {
  const rows = await db
    .selectFrom('files')
    .select((eb) => ['status' as const, eb.fn.countAll<number>().as('count'), eb.fn.sum<number>('size').as('bytes')])
    .where('store', '=', store)
    .groupBy('status')
    .execute()
  const { count } = await db
    .selectFrom('moved_objects')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('store', '=', store)
    .executeTakeFirstOrThrow()
  const of = (status: FileRecord['status']) => rows.find((row) => row.status === status)
  return {
    files: Number(of('confirmed')?.count ?? 0),
    bytes: Number(of('confirmed')?.bytes ?? 0),
    pending: Number(of('pending')?.count ?? 0),
    // Deleted and expired files keep their record until their objects are deleted.
    unneeded: Number(count) + Number(of('deleted')?.count ?? 0) + Number(of('expired')?.count ?? 0),
  }
}

export async function announceCopy(
  db: Kysely<Schema>,
  { removableAt, ...copy }: Parameters<MoveCatalog['announceCopy']>[0],
): Promise<void> {
  const row = movedRow({ ...copy, kind: 'copy' }, removableAt)
  // The caller retries after a lost answer, so the row may exist already.
  await db
    .insertInto('moved_objects')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}

export const moveFile = (db: Kysely<Schema>, o: Parameters<MoveCatalog['moveFile']>[0]): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    const before = objectColumns(o.from.object)
    // Lock the file's row first. Every change of a file's state takes locks in this order.
    const held = await tx
      .updateTable('files')
      .set({ status: 'confirmed' })
      .where('id', '=', o.from.id)
      .where('status', '=', 'confirmed')
      .where('store', '=', o.from.store)
      .where('object_bucket', '=', before.object_bucket)
      .where('object_key', '=', before.object_key)
      .returning('object_version_id')
      .executeTakeFirst()
    if (held === undefined || held.object_version_id !== before.object_version_id) return false
    const copy = await tx
      .deleteFrom('moved_objects')
      .where('id', '=', o.copyId)
      .where('file_id', '=', o.from.id)
      .where('kind', '=', 'copy')
      .where('removing', '=', 0)
      .returning('store')
      .executeTakeFirst()
    if (copy === undefined) return false
    await tx
      .updateTable('files')
      .set({ store: copy.store, ...objectColumns(o.object) })
      .where('id', '=', o.from.id)
      .execute()
    await tx.deleteFrom('uploads').where('file_id', '=', o.from.id).where('settled', '=', 1).execute()
    const { store } = o.from
    for (const { id, object, removableAt } of o.left) {
      const row = movedRow({ id, fileId: o.from.id, kind: 'left', store, object }, removableAt)
      await tx.insertInto('moved_objects').values(row).execute()
    }
    return true
  })

export async function takeRemovable(
  db: Kysely<Schema>,
  by: Parameters<MoveCatalog['takeRemovable']>[0],
  o: { limit: number; after?: string },
): Promise<MovedObject[]> {
  let due = db.selectFrom('moved_objects').select('id').orderBy('id').limit(o.limit)
  if ('due' in by) due = due.where('removable_at', '<=', by.due.getTime())
  else if ('fileId' in by) due = due.where('file_id', '=', by.fileId).where('kind', '=', 'left')
  else if ('id' in by) due = due.where('id', '=', by.id).where('kind', '=', 'copy')
  else due = due.where('kind', '=', 'copy')
  if (o.after !== undefined) due = due.where('id', '>', o.after)
  const ids = (await due.execute()).map(({ id }) => id)
  if (ids.length === 0) return []
  // A copy that became a file's object since it was read has no row any more and is not returned.
  const rows = await db
    .updateTable('moved_objects')
    .set({ removing: 1 })
    .where('id', 'in', ids)
    .returning(movedColumns)
    .execute()
  return rows.map(toMoved).toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

export async function endLeft(db: Kysely<Schema>, store: FileRecord['store'], removableAt: Date): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('moved_objects')
    .set({ removable_at: removableAt.getTime() })
    .where('store', '=', store)
    .where('kind', '=', 'left')
    .where('removable_at', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(numUpdatedRows)
}

export async function forgetMoved(db: Kysely<Schema>, id: string): Promise<void> {
  await db.deleteFrom('moved_objects').where('id', '=', id).execute()
}

export async function movedObjects(db: Kysely<Schema>, o: { limit: number; after?: string }): Promise<MovedObject[]> {
  let query = db.selectFrom('moved_objects').select(movedColumns).orderBy('id').limit(o.limit)
  if (o.after !== undefined) query = query.where('id', '>', o.after)
  return (await query.execute()).map(toMoved)
}

/** Makes the old objects of a deleted file removable, in the transaction that deletes the file. */
export async function endMovedOf(tx: Transaction<Schema>, fileId: string, now: Date): Promise<void> {
  await tx
    .updateTable('moved_objects')
    .set({ removable_at: now.getTime() })
    .where('file_id', '=', fileId)
    .where('kind', '=', 'left')
    .execute()
}
