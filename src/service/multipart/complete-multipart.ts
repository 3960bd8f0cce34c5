import type { PartInfo } from '../../drivers/driver.ts'
import { isStorageError, StorageError } from '../../errors.ts'
import { parseClaims, type ConfirmClaims } from '../uploads/confirm-upload.ts'
import type { ServiceDeps } from '../deps.ts'
import { confirmBy } from '../uploads/grant-upload.ts'
import { findMultipart, noSuchParts, type OpenMultipart } from './find-multipart.ts'
import { noPendingUpload } from '../uploads/verify-upload.ts'
import { removeParts } from './remove-parts.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import { removeUnneeded, settleUpload, type Settled } from '../uploads/settle-upload.ts'
import { storedParts } from './list-upload-parts.ts'

export type ListedPart = { partNumber: number; etag: string }
/** Without `parts`, all parts in the store are joined. */
export type CompleteMultipart = ConfirmClaims & { id: string; parts?: readonly ListedPart[] }

/**
 * Joins the parts, then verifies and records the object as confirmUpload does. A call can be repeated at any point. It
 * skips the steps that an earlier call has done, and `created` is false once the file is recorded. Errors: those of
 * confirmUpload, InvalidRequest, InvalidPart, InvalidPartOrder, EntityTooSmall, NoSuchUpload.
 */
export async function completeMultipart(deps: ServiceDeps, owner: string, input: CompleteMultipart): Promise<Settled> {
  const claims = parseClaims(input)
  const found = await findMultipart(deps, owner, input.id)
  if ('confirmed' in found) return { file: found.confirmed, created: false }
  await keepPending(deps, found)
  await join(deps, found, input.parts)
  try {
    return await settleUpload(deps, found, claims)
  } catch (error) {
    // The upload was aborted or deleted during the call, possibly before there was an object to delete.
    if (isStorageError(error, 'NotFound')) await removeUnneeded(deps, found.file, found.grant.target)
    throw error
  }
}

/**
 * Extends the grant. Joining and reading back take time, and no stored part shows the collector that the upload is
 * active.
 */
async function keepPending(deps: ServiceDeps, { file, grant }: OpenMultipart): Promise<void> {
  const { urlExpiresAt, writeOnce } = grant
  const until = { urlExpiresAt, confirmBy: confirmBy(deps, deps.now()), writeOnce }
  if (!(await deps.catalog.renewUpload(file.id, until))) throw noPendingUpload(file.id)
}

/** Resolves once the object exists. */
async function join(deps: ServiceDeps, upload: OpenMultipart, listed?: readonly ListedPart[]): Promise<void> {
  const { file, grant, multipart } = upload
  const store = deps.stores.of(file)
  const stored = await storedParts(store, grant.target, multipart.uploadId)
  if (stored === null) return expectJoined(deps, upload)
  const parts = listed ?? stored.map(({ partNumber, etag }) => ({ partNumber, etag }))
  if (parts.length === 0) throw incomplete(file.id, 'No part has been stored yet')
  await checkTotal(deps, upload, stored, parts)
  try {
    await store.completeMultipartUpload(grant.target, multipart.uploadId, parts)
  } catch (error) {
    if (!isStorageError(error, 'NoSuchUpload')) throw error
    await expectJoined(deps, upload)
  }
}

/** If the store no longer has the upload, an earlier call joined it and failed before it could confirm. */
async function expectJoined(deps: ServiceDeps, { file, grant }: OpenMultipart): Promise<void> {
  if (!(await headOrNull(deps.stores.of(file), grant.target))) throw noSuchParts(file.id)
}

/**
 * With too few bytes nothing changes, because the client can send the rest. With too many bytes the upload expires.
 * Errors: UploadIncomplete, UploadMismatch.
 */
async function checkTotal(
  deps: ServiceDeps,
  { file, grant, multipart }: OpenMultipart,
  stored: readonly PartInfo[],
  parts: readonly ListedPart[],
): Promise<void> {
  const lengths = new Map(stored.map(({ partNumber, contentLength }) => [partNumber, contentLength]))
  let total = 0
  for (const { partNumber } of parts) {
    const length = lengths.get(partNumber)
    // The store reports a missing part.
    if (length === undefined) return
    total += length
  }
  const { declaredSize } = grant
  if (declaredSize !== null && total < declaredSize) {
    throw incomplete(file.id, `The parts have ${total} of ${declaredSize} bytes`)
  }
  const most = declaredSize ?? deps.config.uploads.maxSize
  if (total <= most) return
  // Another call has settled the upload. The next steps find the outcome in the store and the catalog.
  if (!(await deps.catalog.expireUpload(file.id, deps.now()))) return
  await removeParts(deps, file, grant.target, multipart)
  throw new StorageError('UploadMismatch', {
    resource: `/files/${file.id}`,
    message: `The parts have ${total} bytes, but the upload was granted for ${most}. Start a new upload.`,
  })
}

const incomplete = (id: string, what: string) =>
  new StorageError('UploadIncomplete', {
    resource: `/files/${id}`,
    message: `${what}. Send the missing parts, then complete again. GET /files/multipart/${id}/parts lists the stored parts.`,
  })
