import type { FileRecord } from '../../catalog/catalog.ts'
import type { ObjectRef, StorageDriver } from '../../drivers/driver.ts'
import { isComputable } from './checksums.ts'
import type { ServiceDeps } from '../deps.ts'
import { grantUpload } from './grant-upload.ts'
import { newUploadKey } from './object-keys.ts'
import { presignGrant, uploadLifetime, type SignedGrant } from './presign-grant.ts'
import { publicUrl } from '../downloads/public-download.ts'
import { readUploadRequest, type RequestedUpload } from './upload-request.ts'

/** The signature binds `size` and `checksum` if the store can enforce them. */
export type BeginUpload = RequestedUpload & {
  method?: 'PUT' | 'POST'
  /** Seconds. */
  expiresIn?: number
  /** The client can send extra headers, so the URL signs `If-None-Match: *` and can only create an object. */
  writeOnce?: boolean
  /** The client never renews. An upload without a size then expires with its URL if the client sent nothing. */
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
    canVerify: (algorithm) => capabilities.has('signed-checksum') || isComputable(algorithm),
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
    expiresWithUrl: expiresWithUrl(store, input),
  })
  return { ...signed, file, publicUrl: publicUrl(deps, file) }
}

/**
 * Without a size the reservation is large. It expires with the URL if the driver knows the writes in flight, because
 * the collector never interrupts those. In a bucket that clients write to, it lasts `uploads.confirmWithin` longer.
 */
const expiresWithUrl = ({ capabilities }: StorageDriver, { size, isNeverRenewed = false }: BeginUpload): boolean =>
  isNeverRenewed && size === undefined && capabilities.has('revocable-reads')
