import type { Visibility } from '../../catalog/catalog.ts'
import type { Checksum, ChecksumAlgorithm } from '../../drivers/driver.ts'
import { parseChecksum } from './checksums.ts'
import { parseFilename, parseMetadata } from '../files/file-fields.ts'
import { isListed, isUnnamed, typeOf, type NamedType } from '../content-type/declared-type.ts'
import { isActiveType } from '../../active-type.ts'
import { StorageError } from '../../errors.ts'
import { essenceOf } from '../../media-type.ts'
import type { ServiceDeps } from '../deps.ts'

/** The client's request for an upload, of every kind. */
export type RequestedUpload = {
  filename: string
  /** If absent, the type is guessed from the name and checked against the bytes. */
  mimeType?: string
  /** Bytes. If absent, up to uploads.maxSize. */
  size?: number
  checksum?: Checksum
  visibility?: Visibility
  metadata?: Record<string, string>
  /** The file is confirmed as soon as its object exists. */
  autoConfirm?: boolean
}

export type UploadRequest = {
  filename: string
  mimeType: string
  /** The client named the type, so the URL can bind it. Otherwise the bytes must prove it. */
  declared: boolean
  size: number | null
  checksum: Checksum | null
  visibility: Visibility
  metadata: Record<string, string>
  autoConfirm: boolean
  /** Maximum bytes of the object. */
  maxSize: number
}

/** Limits of the upload method: its maximum bytes, and the checksum algorithms that can be verified. */
export type UploadLimits = { maxBytes: number; canVerify: (algorithm: ChecksumAlgorithm) => boolean }

/**
 * Validates a request for an upload against the configuration.
 * Errors: InvalidArgument, InvalidDigest, MetadataTooLarge, AccessDenied, TypeNotAllowed, EntityTooLarge, NotSupported.
 */
export function readUploadRequest(deps: ServiceDeps, asked: RequestedUpload, limits: UploadLimits): UploadRequest {
  const { uploads } = deps.config
  const visibility = asked.visibility ?? 'private'
  if (visibility === 'public' && !uploads.allowPublic) {
    throw new StorageError('AccessDenied', {
      message:
        'Public files are not allowed. Set uploads.allowPublic to true, or upload the file with visibility "private".',
    })
  }
  const filename = parseFilename(asked.filename)
  const { mimeType, declared } = allowedType(asked.mimeType, filename, uploads.allowedTypes)
  const maxSize = Math.min(uploads.maxSize, limits.maxBytes)
  const size = asked.size ?? null
  checkSize(size, maxSize)
  if (visibility === 'public') {
    checkPublicUpload(deps, { mimeType, isDeclared: asked.mimeType !== undefined, size })
  }
  const checksum = asked.checksum === undefined ? null : checkChecksum(asked.checksum, limits)
  const metadata = parseMetadata(asked.metadata ?? {})
  const autoConfirm = asked.autoConfirm ?? uploads.autoConfirm
  return { filename, mimeType, declared, size, checksum, visibility, metadata, autoConfirm, maxSize }
}

/**
 * If `application/octet-stream` is allowed and declared, the file is accepted even if its name suggests a refused type.
 */
function allowedType(asked: string | undefined, filename: string, allowed: readonly string[]): NamedType {
  const named = typeOf(asked, filename)
  if (isListed(named.mimeType, allowed)) return named
  if (asked && isUnnamed(asked) && isListed(asked, allowed)) return { mimeType: asked.trim(), declared: true }
  throw typeNotAllowed(named.mimeType, allowed)
}

const typeNotAllowed = (mimeType: string, allowed: readonly string[]) =>
  new StorageError('TypeNotAllowed', {
    message: `${mimeType} is not allowed here. Allowed types: ${allowed.join(', ')}. Send another file, or add the type to uploads.allowedTypes.`,
  })

function checkSize(size: number | null, most: number): void {
  if (size === null || size <= most) return
  throw new StorageError('EntityTooLarge', {
    message: `The file has ${size} bytes, over the limit of ${most}. Send a smaller file.`,
    details: { ProposedSize: size, MaxSizeAllowed: most },
  })
}

function checkChecksum(given: Checksum, limits: UploadLimits): Checksum {
  const checksum = parseChecksum(given)
  if (limits.canVerify(checksum.algorithm)) return checksum
  throw new StorageError('NotSupported', {
    message: `This store cannot verify ${checksum.algorithm} for this kind of upload. Send the sha256 instead.`,
  })
}

/** The declared values of an upload of a public file. */

export type PublicUpload = {
  mimeType: string
  /** The client named the type itself, so the URL is bound to it. */
  isDeclared: boolean
  /** Bytes. null if the client declared no size. */
  size: number | null
}

/**
 * A bucket or a CDN at `downloads.publicBaseUrl` serves the object as it was sent, before the gateway verifies it. The
 * upload URL must then bind a type and a size, and browsers must not execute the type.
 * Errors: TypeNotAllowed, InvalidArgument.
 */
export function checkPublicUpload(deps: Pick<ServiceDeps, 'config' | 'stores'>, upload: PublicUpload): void {
  const { uploads } = deps.config
  const servedByStore = deps.stores.current.capabilities.has('serves-public')
  if (isActiveType(upload.mimeType)) checkActive(upload.mimeType, uploads.allowedTypes, servedByStore)
  if (!servedByStore) return
  if (!upload.isDeclared) throw missing('mimeType', 'its type. Send mimeType, such as "image/png"')
  if (upload.size === null) throw missing('size', 'its size. Send size, in bytes')
}

function checkActive(mimeType: string, allowed: readonly string[], servedByStore: boolean): void {
  const named = allowed.some((type) => type.toLowerCase() === essenceOf(mimeType))
  if (named && !servedByStore) return
  const advice = servedByStore
    ? 'Upload it with visibility "private".'
    : `Upload it with visibility "private". To allow it, add ${essenceOf(mimeType)} to uploads.allowedTypes by name.`
  throw new StorageError('TypeNotAllowed', {
    message: `${mimeType} is not allowed for public files, because browsers execute scripts in it. ${advice}`,
  })
}

const missing = (field: string, what: string) =>
  new StorageError('InvalidArgument', {
    message: `A public file must declare ${what}. downloads.publicBaseUrl serves public files before the gateway verifies them.`,
    details: { field },
  })
