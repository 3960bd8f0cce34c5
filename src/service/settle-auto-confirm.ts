/** Uploads that count as confirmed once their object is there, for clients that never confirm. */
import type { FileRecord, Upload } from '../catalog/catalog.ts'
import type { ObjectRef } from '../drivers/driver.ts'
import { isStorageError } from '../errors.ts'
import { atStore } from './at-store.ts'
import type { ServiceDeps } from './deps.ts'
import { removeUnneeded, settleUpload } from './settle-upload.ts'

/** Uploads looked at before one read, and how many of them at a time: each costs a request to the store. */
const batch = 50
const atOnce = 5

/** To be called before a read of one owner's files; never throws for what is wrong with a single upload. */
export async function settleAutoConfirm(deps: ServiceDeps, owner: string): Promise<void> {
  const uploads = await deps.catalog.autoConfirmable({ owner, limit: batch })
  for (let at = 0; at < uploads.length; at += atOnce) {
    await Promise.all(uploads.slice(at, at + atOnce).map((upload) => trySettle(deps, upload)))
  }
}

/**
 * The objects endpoint calls this when a write is durable, before it answers. What a live URL wrote for an upload that
 * is deleted or has expired belongs to nobody, and is not kept until the collector comes.
 */
export async function settleWrittenObject(deps: ServiceDeps, ref: ObjectRef): Promise<void> {
  if (ref.bucket !== deps.config.storage.bucket) return
  const upload = await deps.catalog.findUploadByKey(ref.key)
  if (!upload) return
  const { status } = upload.file
  if (status === 'deleted' || status === 'expired') await removeUnneeded(atStore(deps, upload.file), ref)
  else await trySettle(deps, upload)
}

/**
 * The file as it is now: settled if its object has arrived, unchanged if it has not, null if it was refused.
 */
export async function trySettle(deps: ServiceDeps, { file, grant }: Upload): Promise<FileRecord | null> {
  if (file.status !== 'pending' || !grant?.autoConfirm) return file
  try {
    return (await settleUpload(deps, { file, grant })).file
  } catch (err) {
    if (isStorageError(err, 'UploadIncomplete', 'ConditionalConflict')) return file
    deps.log.warn({ err, file: file.id }, 'an upload could not be confirmed by itself')
    return isStorageError(err, 'UploadMismatch', 'QuotaExceeded') ? null : file
  }
}
