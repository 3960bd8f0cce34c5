import type { FileRecord } from '../../catalog/catalog.ts'
import type { ObjectRef, StorageDriver } from '../../drivers/driver.ts'
import { isComputable } from './checksums.ts'
import type { ServiceDeps } from '../deps.ts'
import { grantUpload } from './grant-upload.ts'
import { newUploadKey } from './object-keys.ts'
import { presignGrant, uploadLifetime, type SignedGrant } from './presign-grant.ts'
import { publicUrl } from '../downloads/public-download.ts'
import { readUploadRequest, type RequestedUpload } from './upload-request.ts'

/** `size` and `checksum` are bound into the signature where the store can hold a URL to them. */
export type BeginUpload = RequestedUpload & {
  method?: 'PUT' | 'POST'
  /** Seconds. */
  expiresIn?: number
  /** The client will send extra headers: sign If-None-Match: *, so that the URL can only create. */
  writeOnce?: boolean
  /** The client never renews: an upload without a size that nothing was sent for expires with its URL. */
  isNeverRenewed?: boolean
}

export type IssuedUpload = SignedGrant & { file: FileRecord; publicUrl: string | null }

/**
 * Grants one upload: reserves quota, records the pending file, signs a URL for its key.
 * Errors: InvalidArgument, InvalidDigest, MetadataTooLarge, AccessDenied, TypeNotAllowed, EntityTooLarge,
 * QuotaExceeded, TooManyRequests, NotSupported.
 */
export async function beginUpload(deps: ServiceDeps, owner: string, input: BeginUpload): Promise<IssuedUpload> {
  const store = deps.stores.current
  const { capabilities, limits } = store
  const request = readUploadRequest(deps, input, {
    maxBytes: limits.maxPutSize,
    proves: (algorithm) => capabilities.has('signed-checksum') || isComputable(algorithm),
  })
  const { mimeType, declared, size, checksum } = request
  const key = newUploadKey(request.visibility, request.filename, mimeType)
  const target: ObjectRef = { bucket: deps.config.storage.bucket, key }
  const signed = await presignGrant(deps, store, {
    method: input.method ?? 'PUT',
    target,
    mimeType,
    declared,
    size,
    checksum,
    writeOnce: input.writeOnce ?? false,
    expiresIn: uploadLifetime(deps, store, input.expiresIn),
  })
  const { method, writeOnce, expiresAt } = signed
  const { file } = await grantUpload(deps, owner, request, {
    method,
    target,
    writeOnce,
    urlExpiresAt: expiresAt,
    endsWithUrl: endsWithUrl(store, input),
  })
  return { ...signed, file, publicUrl: publicUrl(deps, file) }
}

/**
 * Without a size the reservation is large. It ends with the URL where the driver knows of a write in flight, which the
 * collector never interrupts; with a bucket that clients write to, it stays for `uploads.confirmWithin`.
 */
const endsWithUrl = ({ capabilities }: StorageDriver, { size, isNeverRenewed = false }: BeginUpload): boolean =>
  isNeverRenewed && size === undefined && capabilities.has('revocable-reads')
