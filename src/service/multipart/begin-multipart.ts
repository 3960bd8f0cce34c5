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
  /** Bytes. The preferred size; see `partSizeFor`. */
  partSize?: number
  /** Seconds in which the client must request URLs of parts. Each such request extends the time. */
  expiresIn?: number
}

export type IssuedMultipart = {
  file: FileRecord
  multipart: Multipart
  /** The upload expires then unless the client requests URLs or sends parts. */
  expiresAt: Date
  publicUrl: string | null
}

/** Maximum planned parts. Below the S3 limit of 10,000, as a reserve for clients that send some smaller parts. */
const plannedParts = 9000

/**
 * Grants an upload that is sent in parts: reserves quota, records the pending file, creates the upload in the store. A
 * failure leaves nothing behind. Errors: those of beginUpload, and the store's.
 */
export async function beginMultipart(
  deps: ServiceDeps,
  owner: string,
  input: BeginMultipart,
): Promise<IssuedMultipart> {
  const { maxParts, maxPutSize } = deps.stores.current.limits
  const request = readUploadRequest(deps, input, { maxBytes: maxParts * maxPutSize, canVerify: isComputable })
  const { size } = request
  const partSize = partSizeFor(deps, input.partSize, size ?? request.maxSize)
  const lifetime = uploadLifetime(deps, deps.stores.current, input.expiresIn)
  const key = newUploadKey(request.visibility, request.filename, request.mimeType)
  const granted = await grantUpload(deps, owner, request, {
    method: 'MULTIPART',
    target: { bucket: deps.config.storage.bucket, key },
    // URLs of parts stop working when the upload is complete, so they cannot change the object.
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
 * The requested or configured part size, within the store's limits, and large enough that the maximum size of the
 * upload fits in `plannedParts`.
 */
function partSizeFor(deps: ServiceDeps, wanted: number | undefined, maxBytes: number): number {
  const { minPartSize, maxPutSize } = deps.stores.current.limits
  const usual = wanted ?? deps.config.uploads.partSize
  return Math.min(maxPutSize, Math.max(usual, minPartSize, Math.ceil(maxBytes / plannedParts)))
}

/** If the store cannot create the upload, its record expires. */
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
    await releaseUpload(deps, file, target, created)
    throw error
  }
}

/** The collector removes what this cannot remove. It finds it through the expired grant. */
async function releaseUpload(
  deps: ServiceDeps,
  file: FileRecord,
  target: PendingUpload['grant']['target'],
  created: Multipart | null,
): Promise<void> {
  try {
    await deps.catalog.expireUpload(file.id, deps.now())
    await removeParts(deps, file, target, created)
  } catch (err) {
    deps.log.warn(
      { err, file: file.id },
      'could not remove a multipart upload that failed to start; the collector retries',
    )
  }
}
