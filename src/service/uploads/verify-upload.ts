import type { Checksum, ChecksumAlgorithm, ObjectHead, ObjectRef, StorageDriver } from '../../drivers/driver.ts'
import { StorageError, isStorageError } from '../../errors.ts'
import { checkType, type VerifiedType } from '../content-type/check-type.ts'
import { storedChecksum } from './checksums.ts'
import type { Upload, FileRecord, UploadGrant } from '../../catalog/catalog.ts'
import type { ServiceDeps } from '../deps.ts'

export type PendingUpload = { file: FileRecord; grant: UploadGrant }

/** The client's claims about the object at confirmation. All of them are compared with the stored object. */
export type Claims = { mimeType?: string; size?: number; checksum?: Checksum }

/** The facts of an object that matches its grant. */
export type VerifiedObject = VerifiedType & { head: ObjectHead; checksum: Checksum | null }

/**
 * Compares the stored object with the grant and the claims: length, type, first bytes, checksum.
 * Errors: NotFound, PreconditionFailed if the object is replaced during the check, UploadMismatch.
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
    throw mismatch(
      `The store has ${stored} bytes, but the upload was granted for ${granted}. Request a new upload URL.`,
    )
  }
  if (stored > deps.config.uploads.maxSize) {
    throw mismatch(
      `The store has ${stored} bytes, over the limit of ${deps.config.uploads.maxSize} (uploads.maxSize). Send a smaller file.`,
    )
  }
  if (claimed !== undefined && stored !== claimed) {
    throw mismatch(`size is ${claimed}, but the store has ${stored} bytes. Send the file again with a new upload URL.`)
  }
}

/**
 * No grant allows a content coding. With a stored coding, the reader's browser would decode the verified bytes to other
 * bytes. `aws-chunked` is a transfer coding of SDKs that some stores keep.
 */
function checkEncoding({ contentEncoding = '' }: ObjectHead): void {
  const codings = contentEncoding.split(',').map((coding) => coding.trim().toLowerCase())
  if (codings.every((coding) => coding === '' || coding === 'aws-chunked')) return
  throw mismatch(
    `The object has the content coding ${contentEncoding}, which the grant does not allow. Send the bytes again without Content-Encoding.`,
  )
}

/** The checksum to record: the declared and verified one, otherwise the store's, otherwise none. */
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

/** An unconfirmed public upload is served only after its object was verified. */
export const isPending = (upload: Upload): upload is PendingUpload =>
  upload.file.status === 'pending' && upload.grant !== null

/**
 * Whether the object that the store describes matches the grant. The catalog keeps the answer for this write of the
 * object, so that further reads do not verify it again.
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

/** null if the object was replaced during the check, because the answer would be about another object. */
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

/** Identifies one write of an object. Equal ETags do not imply equal headers or, for crafted bytes, equal content. */
function markOf(head: ObjectHead): string {
  const { etag, lastModified, contentLength, contentType = '', contentEncoding = '' } = head
  const write = head.versionId ?? head.revision ?? lastModified.getTime()
  return [write, etag, contentLength, contentType, contentEncoding].join(' ')
}

export const noPendingUpload = (id: string): StorageError =>
  new StorageError('NotFound', {
    resource: `/files/${id}`,
    message: 'You have no such pending upload. It may have expired. Start a new one.',
  })
