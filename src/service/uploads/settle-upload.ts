/** Turns a pending upload whose object exists into a confirmed file, or expires it. Most invariants depend on this. */
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
 * Verifies, seals and confirms. Exactly one of several concurrent calls returns `created: true`, and all return the
 * same record. Errors: UploadIncomplete (nothing changed), UploadMismatch and QuotaExceeded (the upload has expired and
 * its object is deleted), ConditionalConflict if the object keeps changing.
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
      if (isStorageError(error, 'NotFound')) return settledConcurrently(deps, upload, error)
      throw error
    }
  }
  throw new StorageError('ConditionalConflict', {
    resource: `/files/${upload.file.id}`,
    message: 'The object was replaced during its confirmation. Send it once, then confirm again.',
  })
}

/**
 * Seals the verified bytes with the gateway's headers. The source stays until the catalog has recorded the sealed
 * object.
 */
async function seal(
  deps: ServiceDeps,
  { file, grant }: PendingUpload,
  { head, mimeType, charset }: VerifiedObject,
  filename: string = file.filename,
): Promise<SealedObject> {
  const version = head.versionId === undefined ? {} : { versionId: head.versionId }
  const store = deps.stores.of(file)
  // Stores that cannot seal in place copy the object. Skip the copy if nothing can change the object.
  const sealsInPlace = store.capabilities.has('seals-in-place')
  // No URL of this grant writes to the object that its parts became, and the gateway set its headers.
  if (grant.method === 'MULTIPART' && !sealsInPlace) return { ref: grant.target, etag: head.etag, ...version }
  // A URL that signs If-None-Match cannot change the object either. A bucket with versioning still needs the copy,
  // because it would keep the uploader's object as a version.
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
  // The first call decided which copy is the file. Delete any other copy.
  if (!settled.created && !isSame(sealed.ref, settled.file.object)) await removeUnneeded(deps, upload.file, sealed.ref)
  if (settled.created) await clearSource(deps, settled.file, upload.grant.target)
  return settled
}

/** Best effort. The collector repeats it once all upload URLs have expired. */
async function clearSource(deps: ServiceDeps, file: FileRecord, target: ObjectRef): Promise<void> {
  if (!keepsSource(deps, file)) return removeUnneeded(deps, file, target)
  try {
    await restoreCopy(deps, file, target)
  } catch (err) {
    deps.log.warn(
      { err, key: target.key },
      'could not replace the headers of the public copy of a confirmed file; the collector retries',
    )
  }
}

/**
 * Whether the catalog certainly recorded nothing. If the catalog failed or its answer was lost, it may have recorded
 * the copy as the file. The copy stays then, and `postern gc` finds it if it is an orphan.
 */
const isRefusal = (error: unknown): boolean =>
  error instanceof StorageError && !isStorageError(error, 'Unavailable', 'InsufficientStorage', 'Internal')

/** Releases the quota and deletes the object, unless another call has confirmed the file. */
async function discard(deps: ServiceDeps, upload: PendingUpload, reason: StorageError): Promise<Settled> {
  if (!(await deps.catalog.expireUpload(upload.file.id, deps.now()))) {
    return settledConcurrently(deps, upload, reason)
  }
  await removeUnneeded(deps, upload.file, upload.grant.target)
  throw reason
}

async function settledConcurrently(deps: ServiceDeps, { file }: PendingUpload, reason: StorageError): Promise<Settled> {
  const current = await deps.catalog.findUpload(file.owner, { id: file.id })
  if (current?.file.status === 'confirmed') return { file: current.file, created: false }
  if (reason.code !== 'NotFound') throw reason
  throw current?.file.status === 'pending' ? incomplete(file) : noPendingUpload(file.id)
}

/** Best effort. The grant is kept, so the collector retries. */
export async function removeUnneeded(
  deps: ServiceDeps,
  file: Pick<FileRecord, 'store'>,
  ref: ObjectRef,
): Promise<void> {
  try {
    await removeVersions(deps.stores.of(file), ref)
  } catch (err) {
    deps.log.warn({ err, key: ref.key }, 'could not delete an unneeded object; the collector retries')
  }
}

const isSame = (a: ObjectRef, b: ObjectRef): boolean => a.bucket === b.bucket && a.key === b.key

const incomplete = (file: FileRecord) =>
  new StorageError('UploadIncomplete', {
    resource: `/files/${file.id}`,
    message: 'The bytes have not been stored yet. Send them to the upload URL, then confirm.',
  })
