/** Uploads from grant to settlement. Each function is one transaction on the file, its grant and the owner's usage. */
import type { Kysely, Transaction } from 'kysely'
import { StorageError } from '../errors.ts'
import type { ConfirmedFacts, FileRecord, NewUpload, Upload, UploadGrant, WrittenObject } from './catalog.ts'
import { note, type Outbox } from './outbox.ts'
import { checkGrowth, decideReservation } from './quota.ts'
import {
  fileRow,
  grantRow,
  multipartColumns,
  objectColumns,
  toFile,
  toGrant,
  toUpload,
  writtenColumns,
} from './rows.ts'
import { fileColumns, grantColumns } from './schema.ts'
import type { Schema } from './schema.ts'
import { searchable } from './search.ts'
import { changeUsage, lockUsage } from './usage.ts'

export const selectUploads = (db: Kysely<Schema>) =>
  db.selectFrom('files').leftJoin('uploads', 'uploads.file_id', 'files.id').select(fileColumns).select(grantColumns)

export const createUpload = (db: Kysely<Schema>, o: NewUpload): Promise<Upload> =>
  db.transaction().execute(async (tx) => {
    const reservedBytes = decideReservation(o, await lockUsage(tx, o.file.owner))
    const file: FileRecord = {
      ...o.file,
      object: { bucket: o.grant.target.bucket, key: o.grant.target.key },
      size: null,
      checksum: null,
      status: 'pending',
      createdAt: o.now,
      confirmedAt: null,
    }
    const row = fileRow(file)
    const grant = grantRow({ ...o.grant, fileId: o.file.id, reservedBytes }, o.file.owner, false)
    await tx.insertInto('files').values(row).execute()
    await tx.insertInto('uploads').values(grant).execute()
    await changeUsage(tx, o.file.owner, { reservedBytes, reservedFiles: 1 })
    return { file: toFile(row), grant: toGrant(grant) }
  })

export async function findUpload(
  db: Kysely<Schema>,
  by: { owner: string; id: string } | { owner: string; key: string } | { key: string },
): Promise<Upload | null> {
  // No key contains a NUL, and PostgreSQL rejects it.
  if ('key' in by && by.key.includes('\0')) return null
  let query = selectUploads(db)
  if ('owner' in by) query = query.where('files.owner', '=', by.owner)
  query = 'id' in by ? query.where('files.id', '=', by.id) : query.where('files.key', '=', by.key)
  const row = await query.executeTakeFirst()
  return row === undefined ? null : toUpload(row)
}

export const renewUpload = (
  db: Kysely<Schema>,
  id: string,
  o: { urlExpiresAt: Date; confirmBy: Date; writeOnce: boolean },
): Promise<Upload | null> =>
  db.transaction().execute(async (tx) => {
    const file = await holdPending(tx, id)
    if (file === null) return null
    const before = await readGrant(tx, id)
    // Earlier URLs stay valid, so the recorded limits must never shrink.
    const grant: UploadGrant = {
      ...before,
      urlExpiresAt: later(before.urlExpiresAt, o.urlExpiresAt),
      confirmBy: later(before.confirmBy, o.confirmBy),
      writeOnce: before.writeOnce && o.writeOnce,
    }
    await tx
      .updateTable('uploads')
      .set({
        url_expires_at: grant.urlExpiresAt.getTime(),
        confirm_by: grant.confirmBy.getTime(),
        write_once: grant.writeOnce ? 1 : 0,
      })
      .where('file_id', '=', id)
      .execute()
    return { file, grant }
  })

/**
 * The file if it is pending. An update without changes locks its row until the end of the transaction, on every
 * database. Every change of an upload's state locks this row first, which prevents deadlocks.
 */
async function holdPending(tx: Transaction<Schema>, id: string): Promise<FileRecord | null> {
  const row = await tx
    .updateTable('files')
    .set({ status: 'pending' })
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .returning(fileColumns)
    .executeTakeFirst()
  return row === undefined ? null : toFile(row)
}

export async function readGrant(tx: Transaction<Schema>, id: string): Promise<UploadGrant> {
  return toGrant(
    await tx.selectFrom('uploads').select(grantColumns).where('file_id', '=', id).executeTakeFirstOrThrow(),
  )
}

export async function noteWritten(db: Kysely<Schema>, id: string, written: WrittenObject): Promise<void> {
  await db
    .updateTable('uploads')
    .set(writtenColumns(written))
    .where('file_id', '=', id)
    .where('settled', '=', 0)
    .execute()
}

export async function setMultipart(
  db: Kysely<Schema>,
  id: string,
  multipart: NonNullable<UploadGrant['multipart']>,
): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('uploads')
    .set(multipartColumns(multipart))
    .where('file_id', '=', id)
    .where('settled', '=', 0)
    .executeTakeFirst()
  if (Number(numUpdatedRows) === 0) throw notPending(id)
}

export const confirmUpload = (
  db: Kysely<Schema>,
  id: string,
  facts: ConfirmedFacts,
  outbox: Outbox,
): Promise<{ file: FileRecord; created: boolean }> =>
  db.transaction().execute(async (tx) => {
    const row = await tx
      .updateTable('files')
      .set({
        ...objectColumns(facts.object),
        ...(facts.filename === undefined ? {} : { filename: facts.filename, search: searchable(facts.filename) }),
        mime_type: facts.mimeType,
        size: facts.size,
        checksum: facts.checksum === null ? null : JSON.stringify(facts.checksum),
        status: 'confirmed',
        confirmed_at: facts.now.getTime(),
        charset: facts.charset ?? null,
        warning: facts.warning ?? null,
      })
      .where('id', '=', id)
      .where('status', '=', 'pending')
      .returning(fileColumns)
      .executeTakeFirst()
    if (row === undefined) return { file: await confirmedBefore(tx, id), created: false }
    const reserved = await settleGrant(tx, id)
    const after = await changeUsage(tx, row.owner, {
      bytes: facts.size,
      files: 1,
      reservedBytes: -reserved,
      reservedFiles: -1,
    })
    checkGrowth(facts.size, reserved, facts.quota, after)
    const file = toFile(row)
    await note(tx, outbox, 'file.confirmed', file, facts.now)
    return { file, created: true }
  })

async function confirmedBefore(tx: Transaction<Schema>, id: string): Promise<FileRecord> {
  const row = await tx
    .selectFrom('files')
    .select(fileColumns)
    .where('id', '=', id)
    .where('status', '=', 'confirmed')
    .executeTakeFirst()
  if (row === undefined) throw notPending(id)
  return toFile(row)
}

export const expireUpload = (
  db: Kysely<Schema>,
  id: string,
  now: Date,
  o: { onlyIfOverdue?: boolean } = {},
  outbox: Outbox,
): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    const file = await holdPending(tx, id)
    if (file === null) return false
    // Read the grant after locking the row, because a concurrent renewal has finished by then.
    if (o.onlyIfOverdue && (await readGrant(tx, id)).confirmBy > now) return false
    await tx.updateTable('files').set({ status: 'expired' }).where('id', '=', id).execute()
    await changeUsage(tx, file.owner, { reservedBytes: -(await settleGrant(tx, id)), reservedFiles: -1 })
    await note(tx, outbox, 'upload.expired', { ...file, status: 'expired' }, now)
    return true
  })

/** Settles the grant of a file that this transaction has changed. Resolves to the bytes that it had reserved. */
export async function settleGrant(tx: Transaction<Schema>, id: string): Promise<number> {
  const grant = await tx.selectFrom('uploads').select('reserved_bytes').where('file_id', '=', id).executeTakeFirst()
  await tx.updateTable('uploads').set({ settled: 1, reserved_bytes: 0 }).where('file_id', '=', id).execute()
  return Number(grant?.reserved_bytes ?? 0)
}

const later = (a: Date, b: Date) => (a > b ? a : b)

const notPending = (id: string) =>
  new StorageError('NotFound', { resource: `/files/${id}`, message: 'there is no such pending upload' })
