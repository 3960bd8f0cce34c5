import { randomUUID } from 'node:crypto'
import type { FileRecord, Visibility } from '../catalog/catalog.ts'
import type { Checksum, ObjectRef } from '../drivers/driver.ts'
import { StorageError } from '../errors.ts'
import { isComputable, parseChecksum } from './checksums.ts'
import type { ServiceDeps } from './deps.ts'
import { parseFilename } from './filename.ts'
import { newUploadKey } from './keys.ts'
import { guessType, isListed, parseMediaType } from './media-type.ts'
import { parseMetadata } from './metadata.ts'
import { presignGrant, uploadLifetime, type SignedGrant } from './presign-grant.ts'
import { publicUrl } from './public-url.ts'

export type BeginUpload = {
  filename: string
  /** Absent: guessed by the name, and left for the bytes to prove. */
  mimeType?: string
  /** Bytes; bound into the signature. Absent: up to uploads.maxSize. */
  size?: number
  checksum?: Checksum
  visibility?: Visibility
  method?: 'PUT' | 'POST'
  /** Seconds. */
  expiresIn?: number
  metadata?: Record<string, string>
  /** The file counts as confirmed once its object is there. */
  autoConfirm?: boolean
  /** The client will send extra headers: sign If-None-Match: *, so that the URL can only create. */
  writeOnce?: boolean
}

export type IssuedUpload = SignedGrant & { file: FileRecord; publicUrl: string | null }

/**
 * Grants one upload: reserves quota, records the pending file, signs a URL for its key.
 * Errors: InvalidArgument, InvalidDigest, MetadataTooLarge, AccessDenied, TypeNotAllowed, EntityTooLarge,
 * QuotaExceeded, TooManyRequests, NotSupported.
 */
export async function beginUpload(deps: ServiceDeps, owner: string, input: BeginUpload): Promise<IssuedUpload> {
  const { uploads, quotas, limits, storage } = deps.config
  const visibility = input.visibility ?? 'private'
  if (visibility === 'public' && !uploads.allowPublic) {
    throw new StorageError('AccessDenied', { message: 'Public files are switched off here (uploads.allowPublic).' })
  }
  const filename = parseFilename(input.filename)
  const mimeType = input.mimeType === undefined ? guessType(filename) : parseMediaType(input.mimeType)
  checkType(mimeType, uploads.allowedTypes)
  const size = input.size ?? null
  checkSize(deps, size)
  const checksum = input.checksum === undefined ? null : checkChecksum(deps, input.checksum)
  const metadata = parseMetadata(input.metadata ?? {})

  const key = newUploadKey(visibility, filename, mimeType)
  const target: ObjectRef = { bucket: storage.bucket, key }
  const signed = await presignGrant(deps, {
    method: input.method ?? 'PUT',
    target,
    mimeType,
    declared: input.mimeType !== undefined,
    size,
    checksum,
    writeOnce: input.writeOnce ?? false,
    expiresIn: uploadLifetime(deps, input.expiresIn),
  })
  const now = deps.now()
  const { file } = await deps.catalog.createUpload({
    file: { id: randomUUID(), owner, store: deps.driver.name, key, filename, mimeType, visibility, metadata },
    grant: {
      method: signed.method,
      target,
      declaredSize: size,
      declaredChecksum: checksum,
      writeOnce: signed.writeOnce,
      autoConfirm: input.autoConfirm ?? uploads.autoConfirm,
      urlExpiresAt: signed.expiresAt,
      confirmBy: confirmBy(deps, signed.expiresAt),
      multipart: null,
    },
    reserve: size === null ? { bytes: maxUploadSize(deps), exact: false } : { bytes: size, exact: true },
    quota: quotas,
    maxPending: limits.pendingUploads,
    now,
  })
  return { ...signed, file, publicUrl: publicUrl(deps, file) }
}

/** Later than any URL of the upload is accepted. */
export const confirmBy = (deps: ServiceDeps, urlExpiresAt: Date): Date =>
  new Date(urlExpiresAt.getTime() + Math.max(1, deps.config.uploads.confirmWithin) * 1000)

const maxUploadSize = (deps: ServiceDeps) => Math.min(deps.config.uploads.maxSize, deps.driver.limits.maxPutSize)

function checkType(mimeType: string, allowed: readonly string[]): void {
  if (isListed(mimeType, allowed)) return
  throw new StorageError('TypeNotAllowed', {
    message: `${mimeType} is not allowed here. Allowed: ${allowed.join(', ')}.`,
  })
}

function checkSize(deps: ServiceDeps, size: number | null): void {
  const most = maxUploadSize(deps)
  if (size === null || size <= most) return
  throw new StorageError('EntityTooLarge', {
    message: `The file has ${size} bytes; at most ${most} are allowed.`,
    details: { ProposedSize: size, MaxSizeAllowed: most },
  })
}

function checkChecksum(deps: ServiceDeps, given: Checksum): Checksum {
  const checksum = parseChecksum(given)
  if (deps.driver.capabilities.has('signed-checksum') || isComputable(checksum.algorithm)) return checksum
  throw new StorageError('NotSupported', {
    message: `This store cannot verify ${checksum.algorithm}: send the sha256 instead.`,
  })
}
