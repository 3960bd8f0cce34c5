/** A public upload that nobody has confirmed is served once its object was verified, and not before. */
import type { Upload } from '../catalog/catalog.ts'
import type { ObjectHead } from '../drivers/driver.ts'
import { isStorageError } from '../errors.ts'
import type { ServiceDeps } from './deps.ts'
import type { PendingUpload } from './settle-upload.ts'
import { verifyObject } from './verify-object.ts'

/** Of an upload that a caller knows to be pending. */
export const isPending = (upload: Upload): upload is PendingUpload =>
  upload.file.status === 'pending' && upload.grant !== null

/**
 * Whether the object, as the store describes it, is what was granted. The catalog keeps the answer for this one write of
 * the object, so that readers do not make the store read it again.
 */
export async function isVerified(deps: ServiceDeps, upload: PendingUpload, head: ObjectHead): Promise<boolean> {
  const { file, grant } = upload
  const mark = markOf(head)
  if (grant.written?.mark === mark) return grant.written.isVerified
  const verified = await tryVerify(deps, upload, mark)
  if (verified !== null) {
    await deps.catalog.noteWritten(file.id, { bytes: head.contentLength, mark, isVerified: verified })
  }
  return verified === true
}

/** null where the object was replaced in the meantime: this answer would be about another one. */
async function tryVerify(deps: ServiceDeps, upload: PendingUpload, mark: string): Promise<boolean | null> {
  const { declaredSize, reservedBytes } = upload.grant
  try {
    const { head } = await verifyObject(deps, upload)
    if (markOf(head) !== mark) return null
    return head.contentLength <= (declaredSize ?? reservedBytes)
  } catch (error) {
    if (isStorageError(error, 'UploadMismatch')) return false
    if (isStorageError(error, 'NotFound', 'PreconditionFailed')) return null
    throw error
  }
}

/** Names one write of an object. Equal ETags do not make equal headers, nor, with chosen bytes, equal content. */
function markOf(head: ObjectHead): string {
  const { etag, lastModified, contentLength, contentType = '', contentEncoding = '' } = head
  const write = head.versionId ?? head.revision ?? lastModified.getTime()
  return [write, etag, contentLength, contentType, contentEncoding].join(' ')
}
