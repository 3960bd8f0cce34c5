/** From a pending upload whose object is there to a confirmed file, or to nothing: the heart of the invariants. */
import type { FileRecord } from '../../catalog/catalog.ts'
import type { ObjectRef, SealedObject } from '../../drivers/driver.ts'
import { isStorageError, StorageError } from '../../errors.ts'
import type { ServiceDeps } from '../deps.ts'
import { newSealedKey } from './object-keys.ts'
import { keepsSource, removeVersions, restoreCopy } from '../stores/stored-objects.ts'
import { storedHeaders } from '../downloads/object-headers.ts'
import { noteOf } from '../files/note-files.ts'
import { verifyObject, type Claims, type VerifiedObject, type PendingUpload, noPendingUpload } from './verify-upload.ts'

export type Settled = { file: FileRecord; created: boolean }

/** How often an object may be replaced while it is being verified. */
const maxTries = 5

/**
 * Verifies, seals and confirms. Exactly one of several concurrent calls answers `created`, and all answer the same
 * record. Errors: UploadIncomplete (nothing changed), UploadMismatch and QuotaExceeded (the upload has expired, its
 * object is removed), ConditionalConflict when the object keeps changing.
 */
export async function settleUpload(
  deps: ServiceDeps,
  upload: PendingUpload,
  claims: Claims & { filename?: string } = {},
): Promise<Settled> {
  for (let attempt = 1; attempt <= maxTries; attempt++) {
    try {
      const verified = await verifyObject(deps, upload, claims)
      const sealed = await seal(deps, upload, verified, claims.filename)
      return await commit(deps, upload, verified, sealed, claims.filename)
    } catch (error) {
      if (isStorageError(error, 'PreconditionFailed')) continue
      if (isStorageError(error, 'UploadMismatch', 'QuotaExceeded')) return discard(deps, upload, error)
      if (isStorageError(error, 'NotFound')) return settledBySomeoneElse(deps, upload, error)
      throw error
    }
  }
  throw new StorageError('ConditionalConflict', {
    resource: `/files/${upload.file.id}`,
    message: 'The object is being replaced while it is confirmed: send it once, then confirm again.',
  })
}

/**
 * Freezes the verified bytes, with headers of ours alone. The source stays until the catalog knows where the bytes are.
 */
async function seal(
  deps: ServiceDeps,
  { file, grant }: PendingUpload,
  { head, mimeType, charset }: VerifiedObject,
  filename: string = file.filename,
): Promise<SealedObject> {
  const version = head.versionId === undefined ? {} : { versionId: head.versionId }
  const store = deps.stores.of(file)
  // Else sealing makes a copy, which is left out where nothing can change the object any more.
  const sealsInPlace = store.capabilities.has('seals-in-place')
  // No URL of this grant writes to the object that its parts became, and the gateway set its headers.
  if (grant.method === 'MULTIPART' && !sealsInPlace) return { ref: grant.target, etag: head.etag, ...version }
  // Nor can a URL that signs If-None-Match. A bucket that keeps versions would keep the writer's object below a copy.
  const inPlace = grant.writeOnce && !sealsInPlace && head.versionId === undefined
  return store.sealObject(grant.target, {
    etag: head.etag,
    ...(head.revision === undefined ? {} : { revision: head.revision }),
    ...version,
    to: inPlace ? grant.target.key : newSealedKey(file.key),
    keepSource: true,
    headers: storedHeaders(deps, { mimeType, ...(charset && { charset }) }),
    note: noteOf({ ...file, filename, mimeType }, deps.now()),
  })
}

async function commit(
  deps: ServiceDeps,
  upload: PendingUpload,
  { head, mimeType, charset, warning, checksum }: VerifiedObject,
  sealed: SealedObject,
  filename: string | undefined,
): Promise<Settled> {
  const moved = !isSame(sealed.ref, upload.grant.target)
  const settled = await deps.catalog
    .confirmUpload(upload.file.id, {
      object: {
        ...sealed.ref,
        etag: sealed.etag,
        ...(sealed.versionId === undefined ? {} : { versionId: sealed.versionId }),
      },
      mimeType,
      size: head.contentLength,
      checksum,
      ...(charset && { charset }),
      ...(warning && { warning }),
      ...(filename === undefined ? {} : { filename }),
      quota: deps.config.quotas,
      now: deps.now(),
    })
    .catch(async (error: unknown) => {
      if (moved && isRefusal(error)) await removeUnneeded(deps, upload.file, sealed.ref)
      throw error
    })
  if (settled.created && warning) deps.log.warn({ file: upload.file.id, warning }, 'confirmed because of --dev')
  if (!moved) return settled
  // Whoever was first decided which copy is the file; another one is of no use.
  if (!settled.created && !isSame(sealed.ref, settled.file.object)) await removeUnneeded(deps, upload.file, sealed.ref)
  if (settled.created) await clearSource(deps, settled.file, upload.grant.target)
  return settled
}

/** The collector does it again once no upload URL is valid any more, so a failure here costs no more than that time. */
async function clearSource(deps: ServiceDeps, file: FileRecord, target: ObjectRef): Promise<void> {
  if (!keepsSource(deps, file)) return removeUnneeded(deps, file, target)
  try {
    await restoreCopy(deps, file, target)
  } catch (err) {
    deps.log.warn({ err, key: target.key }, 'the public copy of a confirmed file keeps its unverified headers for now')
  }
}

/**
 * Whether nothing was recorded. A catalog that failed, or whose answer was lost, may have recorded the copy as the
 * file: it stays, and where it is of no use `postern gc` finds that no record knows it.
 */
const isRefusal = (error: unknown): boolean =>
  error instanceof StorageError && !isStorageError(error, 'Unavailable', 'InsufficientStorage', 'Internal')

/** Gives the quota back and removes the object, unless another call has confirmed the file in the meantime. */
async function discard(deps: ServiceDeps, upload: PendingUpload, reason: StorageError): Promise<Settled> {
  if (!(await deps.catalog.expireUpload(upload.file.id, deps.now()))) {
    return settledBySomeoneElse(deps, upload, reason)
  }
  await removeUnneeded(deps, upload.file, upload.grant.target)
  throw reason
}

async function settledBySomeoneElse(
  deps: ServiceDeps,
  { file }: PendingUpload,
  reason: StorageError,
): Promise<Settled> {
  const current = await deps.catalog.findUpload(file.owner, { id: file.id })
  if (current?.file.status === 'confirmed') return { file: current.file, created: false }
  if (reason.code !== 'NotFound') throw reason
  throw current?.file.status === 'pending' ? incomplete(file) : noPendingUpload(file.id)
}

/** What cannot be removed now is removed by the collector: the grant is kept for that. */
export async function removeUnneeded(
  deps: ServiceDeps,
  file: Pick<FileRecord, 'store'>,
  ref: ObjectRef,
): Promise<void> {
  try {
    await removeVersions(deps.stores.of(file), ref)
  } catch (err) {
    deps.log.warn({ err, key: ref.key }, 'an object that is not needed could not be removed')
  }
}

const isSame = (a: ObjectRef, b: ObjectRef): boolean => a.bucket === b.bucket && a.key === b.key

const incomplete = (file: FileRecord) =>
  new StorageError('UploadIncomplete', {
    resource: `/files/${file.id}`,
    message: 'The bytes are not there yet: send them to the upload URL first, then confirm.',
  })
