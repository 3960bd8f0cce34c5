import type { ObjectHead, ObjectHeaders, ObjectRef, StorageDriver } from '../../drivers/driver.ts'
import { isStorageError } from '../../errors.ts'
import type { FileRecord } from '../../catalog/catalog.ts'
import type { ServiceDeps } from '../deps.ts'
import { storedHeaders } from '../downloads/object-headers.ts'

/**
 * Maximum versions deleted from one key. If a client wrote more during the life of one URL, the bucket's own rules
 * delete the rest.
 */
const maxVersions = 100

/**
 * Deletes the readable object at a key, or the versions newer than `keep`. In a bucket with versioning, each version
 * is deleted individually, because a plain delete only hides them.
 */
export async function removeVersions(store: StorageDriver, ref: ObjectRef, keep?: string): Promise<void> {
  for (let removed = 0; removed < maxVersions; removed++) {
    const head = await headOrNull(store, ref)
    if (head === null) return
    if (keep !== undefined && (head.versionId === undefined || head.versionId === keep)) return
    await store.deleteObject(ref, head.versionId === undefined ? {} : { versionId: head.versionId })
    if (head.versionId === undefined) return
  }
}

/** null if there is no object. */
export async function headOrNull(store: StorageDriver, ref: ObjectRef): Promise<ObjectHead | null> {
  try {
    return await store.headObject(ref)
  } catch (error) {
    if (isStorageError(error, 'NotFound')) return null
    throw error
  }
}

/**
 * Whether the object stays at its issued key next to the sealed copy. If the store itself serves public files, the URL
 * that was returned for the file points to the issued key.
 */
export const keepsSource = (deps: Pick<ServiceDeps, 'stores'>, file: FileRecord): boolean =>
  file.visibility === 'public' && deps.stores.of(file).publicUrl({ bucket: file.object.bucket, key: file.key }) !== null

/**
 * Replaces the object at the issued key of a confirmed file with the sealed bytes and headers. The uploader chose the
 * headers of the object there and can replace it while the upload URL is valid.
 */
export async function restoreCopy(
  deps: Pick<ServiceDeps, 'stores' | 'config'>,
  file: FileRecord,
  target: ObjectRef,
): Promise<void> {
  const { bucket, key, etag, versionId } = file.object
  const store = deps.stores.of(file)
  const head = await headOrNull(store, target)
  const isSame = head !== null && head.etag === etag && head.contentLength === file.size
  if (isSame && hasOnly(head, storedHeaders(deps, file))) return
  await store.copyObject({ bucket, key }, target, versionId === undefined ? {} : { sourceVersionId: versionId })
}

function hasOnly(head: ObjectHead, headers: ObjectHeaders): boolean {
  const { contentType, contentDisposition, contentEncoding, contentLanguage, cacheControl, expires } = head
  return (
    contentType === headers.contentType &&
    contentDisposition === headers.contentDisposition &&
    [contentEncoding, contentLanguage, cacheControl, expires].every((one) => one === undefined) &&
    Object.keys(head.metadata ?? {}).length === 0 &&
    !head.tagCount
  )
}
