import type { FileRecord, UploadGrant } from '../../catalog/catalog.ts'
import type { ObjectRef, StorageDriver } from '../../drivers/driver.ts'
import { isStorageError } from '../../errors.ts'
import type { ServiceDeps } from '../deps.ts'

/**
 * Aborts the known multipart upload and any other upload of the same key. A process that crashed before it recorded its
 * upload, or a request that the store answered too late, may have created another one. Errors: the store's.
 */
export async function removeParts(
  { stores, log }: Pick<ServiceDeps, 'stores' | 'log'>,
  file: Pick<FileRecord, 'store'>,
  target: ObjectRef,
  known: UploadGrant['multipart'],
): Promise<void> {
  const store = stores.of(file)
  if (known) await abort(store, target, known.uploadId)
  try {
    for (const uploadId of await openUploads(store, target)) await abort(store, target, uploadId)
  } catch (err) {
    // Some credentials allow writes and aborts but no listing. Do not retry such an upload forever.
    if (!isStorageError(err, 'AccessDenied', 'NotSupported')) throw err
    log.warn({ err, key: target.key }, 'could not list the multipart uploads of the bucket')
  }
}

async function openUploads(store: StorageDriver, { bucket, key }: ObjectRef): Promise<string[]> {
  const { uploads } = await store.listMultipartUploads({ bucket, prefix: key })
  return uploads.filter((upload) => upload.key === key).map(({ uploadId }) => uploadId)
}

async function abort(store: StorageDriver, target: ObjectRef, uploadId: string): Promise<void> {
  try {
    await store.abortMultipartUpload(target, uploadId)
  } catch (error) {
    if (!isStorageError(error, 'NoSuchUpload')) throw error
  }
}
