import type { Checksum, ChecksumAlgorithm, ObjectHead, ObjectRef, StorageDriver } from '../../drivers/driver.ts'
import { StorageError, isStorageError } from '../../errors.ts'
import { checkType, type VerifiedType } from '../content-type/check-type.ts'
import { storedChecksum } from './checksums.ts'
import type { Upload, FileRecord, UploadGrant } from '../../catalog/catalog.ts'
import type { ServiceDeps } from '../deps.ts'

export type PendingUpload = { file: FileRecord; grant: UploadGrant }

/** What a client says about the object when it confirms. Nothing here is believed, all of it is compared. */
export type Claims = { mimeType?: string; size?: number; checksum?: Checksum }

/** The store's word on an object that fits its grant. */
export type VerifiedObject = VerifiedType & { head: ObjectHead; checksum: Checksum | null }

/**
 * Holds the stored object against what was granted and claimed: length, type, first bytes, digest.
 * Errors: NotFound when it is not there, PreconditionFailed when it is replaced meanwhile, UploadMismatch.
 */
export async function verifyObject(
  deps: ServiceDeps,
  { file, grant }: { file: Upload['file']; grant: NonNullable<Upload['grant']> },
  claims: Claims = {},
): Promise<VerifiedObject> {
  const store = deps.stores.of(file)
  const head = await store.headObject(grant.target)
  checkSize(deps, head.contentLength, grant.declaredSize, claims.size)
  checkEncoding(head)
  const type = await checkType(deps, store, grant.target, head, file, claims.mimeType)
  const checksum = await checkDigests(store, grant.target, head, [grant.declaredChecksum, claims.checksum ?? null])
  return { head, ...type, checksum }
}

const mismatch = (message: string) => new StorageError('UploadMismatch', { message })

function checkSize(deps: ServiceDeps, stored: number, granted: number | null, claimed: number | undefined): void {
  if (granted !== null && stored !== granted) {
    throw mismatch(`The upload was granted for ${granted} bytes, the store holds ${stored}. Ask for a new upload URL.`)
  }
  if (stored > deps.config.uploads.maxSize) {
    throw mismatch(`The store holds ${stored} bytes, more than the ${deps.config.uploads.maxSize} that are allowed.`)
  }
  if (claimed !== undefined && stored !== claimed) {
    throw mismatch(`size is ${claimed}, the store holds ${stored} bytes. Send the file again under a new upload URL.`)
  }
}

/**
 * No grant names a content coding. A stored one would make the reader's browser decode the bytes to other bytes than
 * those that are verified here. `aws-chunked` is a transfer coding of SDKs that some stores keep.
 */
function checkEncoding({ contentEncoding = '' }: ObjectHead): void {
  const codings = contentEncoding.split(',').map((coding) => coding.trim().toLowerCase())
  if (codings.every((coding) => coding === '' || coding === 'aws-chunked')) return
  throw mismatch(
    `The object has the content coding ${contentEncoding}, which the upload was not granted. Send the bytes again without Content-Encoding.`,
  )
}

/** The digest to record: one that was declared and proved, else the store's own, else none. */
async function checkDigests(
  store: StorageDriver,
  ref: ObjectRef,
  head: ObjectHead,
  expected: readonly (Checksum | null)[],
): Promise<Checksum | null> {
  const declared = expected.filter((checksum) => checksum !== null)
  const stored = new Map<ChecksumAlgorithm, string>()
  for (const { algorithm, value } of declared) {
    const actual = stored.get(algorithm) ?? (await storedChecksum(store, ref, head, algorithm))
    stored.set(algorithm, actual)
    if (actual !== value) throw mismatch(`The ${algorithm} of the stored bytes is ${actual}, not ${value}.`)
  }
  return declared[0] ?? head.checksum ?? null
}

// An unconfirmed public upload is served only after its object was verified.

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

export const noPendingUpload = (id: string): StorageError =>
  new StorageError('NotFound', {
    resource: `/files/${id}`,
    message: 'There is no such pending upload: it was never granted to you, or has expired. Begin a new one.',
  })
