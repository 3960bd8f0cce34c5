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
/** Without `parts`: those that the store has. */
export type CompleteMultipart = ConfirmClaims & { id: string; parts?: readonly ListedPart[] }

/**
 * Joins the parts, then verifies and records the object as confirmUpload does. Repeatable at any point: what an earlier
 * call has done is not done again, and `created` is false once the file is recorded. Errors: those of confirmUpload,
 * InvalidRequest, InvalidPart, InvalidPartOrder, EntityTooSmall, NoSuchUpload.
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
    // It was aborted or deleted in the meantime, perhaps before there was an object to remove.
    if (isStorageError(error, 'NotFound')) await removeUnneeded(deps, found.file, found.grant.target)
    throw error
  }
}

/** Joining and reading back may take a while, and the parts that tell of an upload at work are gone then. */
async function keepPending(deps: ServiceDeps, { file, grant }: OpenMultipart): Promise<void> {
  const { urlExpiresAt, writeOnce } = grant
  const until = { urlExpiresAt, confirmBy: confirmBy(deps, deps.now()), writeOnce }
  if (!(await deps.catalog.renewUpload(file.id, until))) throw noPendingUpload(file.id)
}

/** Resolves once the object is there. */
async function join(deps: ServiceDeps, upload: OpenMultipart, listed?: readonly ListedPart[]): Promise<void> {
  const { file, grant, multipart } = upload
  const store = deps.stores.of(file)
  const stored = await storedParts(store, grant.target, multipart.uploadId)
  if (stored === null) return expectJoined(deps, upload)
  const parts = listed ?? stored.map(({ partNumber, etag }) => ({ partNumber, etag }))
  if (parts.length === 0) throw incomplete(file.id, 'No part has arrived yet')
  await checkTotal(deps, upload, stored, parts)
  try {
    await store.completeMultipartUpload(grant.target, multipart.uploadId, parts)
  } catch (error) {
    if (!isStorageError(error, 'NoSuchUpload')) throw error
    await expectJoined(deps, upload)
  }
}

/** An upload that the store knows no more was joined by another call, one that ended before it could confirm. */
async function expectJoined(deps: ServiceDeps, { file, grant }: OpenMultipart): Promise<void> {
  if (!(await headOrNull(deps.stores.of(file), grant.target))) throw noSuchParts(file.id)
}

/**
 * Too few bytes can still be sent: nothing changes. Too many never become the file that was granted.
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
    // The store has the words for a part that is not there.
    if (length === undefined) return
    total += length
  }
  const { declaredSize } = grant
  if (declaredSize !== null && total < declaredSize) {
    throw incomplete(file.id, `The parts have ${total} of ${declaredSize} bytes`)
  }
  const most = declaredSize ?? deps.config.uploads.maxSize
  if (total <= most) return
  // Another call has settled it in the meantime: how, the store and the catalog will say.
  if (!(await deps.catalog.expireUpload(file.id, deps.now()))) return
  await removeParts(deps, file, grant.target, multipart)
  throw new StorageError('UploadMismatch', {
    resource: `/files/${file.id}`,
    message: `The upload was granted for ${most} bytes, its parts have ${total}. Begin a new upload.`,
  })
}

const incomplete = (id: string, what: string) =>
  new StorageError('UploadIncomplete', {
    resource: `/files/${id}`,
    message: `${what}: send the missing parts, then complete again. GET /files/multipart/${id}/parts lists those there.`,
  })
