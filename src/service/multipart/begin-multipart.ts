import type { FileRecord } from '../../catalog/catalog.ts'
import { isComputable } from '../uploads/checksums.ts'
import type { ServiceDeps } from '../deps.ts'
import { grantUpload } from '../uploads/grant-upload.ts'
import { newUploadKey } from '../uploads/object-keys.ts'
import type { Multipart } from './find-multipart.ts'
import { uploadLifetime } from '../uploads/presign-grant.ts'
import { publicUrl } from '../downloads/public-download.ts'
import { storedHeaders } from '../downloads/object-headers.ts'
import { removeParts } from './remove-parts.ts'
import { readUploadRequest, type RequestedUpload } from '../uploads/upload-request.ts'
import type { PendingUpload } from '../uploads/verify-upload.ts'

export type BeginMultipart = RequestedUpload & {
  /** Bytes; a wish, see `partSizeFor`. */
  partSize?: number
  /** Seconds within which URLs of parts are to be asked for: each such call extends it. */
  expiresIn?: number
}

export type IssuedMultipart = {
  file: FileRecord
  multipart: Multipart
  /** When the upload disappears unless URLs are asked for or parts arrive. */
  expiresAt: Date
  publicUrl: string | null
}

/** Parts of an upload whose size is known: as many as S3 allows, less a reserve for clients that send some smaller. */
const plannedParts = 9000

/**
 * Grants an upload that is sent in parts: reserves quota, records the pending file, begins the upload in the store.
 * What fails leaves nothing behind. Errors: those of beginUpload, and the store's.
 */
export async function beginMultipart(
  deps: ServiceDeps,
  owner: string,
  input: BeginMultipart,
): Promise<IssuedMultipart> {
  const { maxParts, maxPutSize } = deps.stores.current.limits
  const request = readUploadRequest(deps, input, { maxBytes: maxParts * maxPutSize, proves: isComputable })
  const { size } = request
  const partSize = partSizeFor(deps, input.partSize, size ?? request.maxSize)
  const lifetime = uploadLifetime(deps, deps.stores.current, input.expiresIn)
  const key = newUploadKey(request.visibility, request.filename, request.mimeType)
  const granted = await grantUpload(deps, owner, request, {
    method: 'MULTIPART',
    target: { bucket: deps.config.storage.bucket, key },
    // URLs of parts end with the upload that they are for: none of them reaches the object that it becomes.
    writeOnce: true,
    urlExpiresAt: new Date(deps.now().getTime() + lifetime * 1000),
  })
  const multipart = await createInStore(deps, granted, {
    partSize,
    partCount: size === null ? null : Math.max(1, Math.ceil(size / partSize)),
  })
  const { file, grant } = granted
  return { file, multipart, expiresAt: grant.confirmBy, publicUrl: publicUrl(deps, file) }
}

/**
 * What was asked for or is configured, within what the store takes, and never so small that the largest size the upload
 * may have would need too many parts.
 */
function partSizeFor(deps: ServiceDeps, wanted: number | undefined, mostBytes: number): number {
  const { minPartSize, maxPutSize } = deps.stores.current.limits
  const usual = wanted ?? deps.config.uploads.partSize
  return Math.min(maxPutSize, Math.max(usual, minPartSize, Math.ceil(mostBytes / plannedParts)))
}

/** Without an upload in the store there is none in the catalog either. */
async function createInStore(
  deps: ServiceDeps,
  { file, grant: { target } }: PendingUpload,
  plan: Omit<Multipart, 'uploadId'>,
): Promise<Multipart> {
  let created: Multipart | null = null
  try {
    created = { ...plan, ...(await deps.stores.of(file).createMultipartUpload(target, storedHeaders(deps, file))) }
    await deps.catalog.setMultipart(file.id, created)
    return created
  } catch (error) {
    await giveBack(deps, file, target, created)
    throw error
  }
}

/** What cannot be undone now is the collector's: the grant, expired, is kept for that. */
async function giveBack(
  deps: ServiceDeps,
  file: FileRecord,
  target: PendingUpload['grant']['target'],
  created: Multipart | null,
): Promise<void> {
  try {
    await deps.catalog.expireUpload(file.id, deps.now())
    await removeParts(deps, file, target, created)
  } catch (err) {
    deps.log.warn({ err, file: file.id }, 'a multipart upload that could not begin stays for the collector')
  }
}
