/** The copy of a public file at its issued key, where the store itself serves that key. */
import type { FileRecord } from '../catalog/catalog.ts'
import type { ObjectHead, ObjectHeaders, ObjectRef } from '../drivers/driver.ts'
import type { ServiceDeps } from './deps.ts'
import { headOrNull } from './remove-versions.ts'
import { storedHeaders } from './record-headers.ts'

/**
 * Whether the object stays at its issued key next to the sealed copy: the URL that was handed out for a public file
 * points there where the store itself serves it.
 */
export const keepsSource = (deps: Pick<ServiceDeps, 'stores'>, file: FileRecord): boolean =>
  file.visibility === 'public' && deps.stores.of(file).publicUrl({ bucket: file.object.bucket, key: file.key }) !== null

/**
 * Replaces whatever lies at the issued key of a confirmed file by its sealed bytes and headers. The upload's writer chose
 * the headers of the object there, and can replace it for as long as the upload URL is valid.
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
