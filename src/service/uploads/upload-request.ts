import type { Visibility } from '../../catalog/catalog.ts'
import type { Checksum, ChecksumAlgorithm } from '../../drivers/driver.ts'
import { parseChecksum } from './checksums.ts'
import { parseFilename, parseMetadata } from '../files/file-fields.ts'
import { isListed, isUnnamed, typeOf, type NamedType } from '../content-type/declared-type.ts'
import { isActiveType } from '../../active-type.ts'
import { StorageError } from '../../errors.ts'
import { essenceOf } from '../../media-type.ts'
import type { ServiceDeps } from '../deps.ts'

/** What a client says of the file that it wants to send, by whatever way. */
export type RequestedUpload = {
  filename: string
  /** Absent: guessed by the name, and left for the bytes to prove. */
  mimeType?: string
  /** Bytes. Absent: up to uploads.maxSize. */
  size?: number
  checksum?: Checksum
  visibility?: Visibility
  metadata?: Record<string, string>
  /** The file counts as confirmed once its object is there. */
  autoConfirm?: boolean
}

export type UploadRequest = {
  filename: string
  mimeType: string
  /** The client named the type: the URL can be bound to it. Otherwise the bytes have to prove it. */
  declared: boolean
  size: number | null
  checksum: Checksum | null
  visibility: Visibility
  metadata: Record<string, string>
  autoConfirm: boolean
  /** The most bytes that the object may have. */
  maxSize: number
}

/** What the way of sending allows: so many bytes, and digests that can be proved in the end. */
export type Way = { maxBytes: number; proves: (algorithm: ChecksumAlgorithm) => boolean }

/**
 * Holds a request for an upload against what is allowed here.
 * Errors: InvalidArgument, InvalidDigest, MetadataTooLarge, AccessDenied, TypeNotAllowed, EntityTooLarge, NotSupported.
 */
export function readUploadRequest(deps: ServiceDeps, asked: RequestedUpload, way: Way): UploadRequest {
  const { uploads } = deps.config
  const visibility = asked.visibility ?? 'private'
  if (visibility === 'public' && !uploads.allowPublic) {
    throw new StorageError('AccessDenied', { message: 'Public files are switched off here (uploads.allowPublic).' })
  }
  const filename = parseFilename(asked.filename)
  const { mimeType, declared } = allowedType(asked.mimeType, filename, uploads.allowedTypes)
  const maxSize = Math.min(uploads.maxSize, way.maxBytes)
  const size = asked.size ?? null
  checkSize(size, maxSize)
  if (visibility === 'public') {
    checkPublicUpload(deps, { mimeType, isDeclared: asked.mimeType !== undefined, size })
  }
  const checksum = asked.checksum === undefined ? null : checkChecksum(asked.checksum, way)
  const metadata = parseMetadata(asked.metadata ?? {})
  const autoConfirm = asked.autoConfirm ?? uploads.autoConfirm
  return { filename, mimeType, declared, size, checksum, visibility, metadata, autoConfirm, maxSize }
}

/** Where bytes of any kind are allowed, a file that the client calls so may be one whose name tells a refused type. */
function allowedType(asked: string | undefined, filename: string, allowed: readonly string[]): NamedType {
  const named = typeOf(asked, filename)
  if (isListed(named.mimeType, allowed)) return named
  if (asked && isUnnamed(asked) && isListed(asked, allowed)) return { mimeType: asked.trim(), declared: true }
  throw typeNotAllowed(named.mimeType, allowed)
}

const typeNotAllowed = (mimeType: string, allowed: readonly string[]) =>
  new StorageError('TypeNotAllowed', {
    message: `${mimeType} is not allowed here. uploads.allowedTypes holds: ${allowed.join(', ')}. Add the type there, or send another file.`,
  })

function checkSize(size: number | null, most: number): void {
  if (size === null || size <= most) return
  throw new StorageError('EntityTooLarge', {
    message: `The file has ${size} bytes; at most ${most} are allowed.`,
    details: { ProposedSize: size, MaxSizeAllowed: most },
  })
}

function checkChecksum(given: Checksum, way: Way): Checksum {
  const checksum = parseChecksum(given)
  if (way.proves(checksum.algorithm)) return checksum
  throw new StorageError('NotSupported', {
    message: `This store cannot verify ${checksum.algorithm} here: send the sha256 instead.`,
  })
}

// What an upload must declare to become a file that anyone can read.

export type PublicUpload = {
  mimeType: string
  /** The client named the type itself, so the URL is bound to it. */
  isDeclared: boolean
  /** Bytes; null where the client named none. */
  size: number | null
}

/**
 * A bucket or a CDN below `downloads.publicBaseUrl` serves the object as it was sent, before anything is verified. There
 * the upload URL must be bound to a type and a size, and the type must be one that browsers do not run.
 * Errors: TypeNotAllowed, InvalidArgument.
 */
export function checkPublicUpload(deps: Pick<ServiceDeps, 'config' | 'stores'>, upload: PublicUpload): void {
  const { uploads } = deps.config
  const servedByStore = deps.stores.current.capabilities.has('serves-public')
  if (isActiveType(upload.mimeType)) checkActive(upload.mimeType, uploads.allowedTypes, servedByStore)
  if (!servedByStore) return
  if (!upload.isDeclared) throw missing('mimeType', 'its type: send mimeType, such as "image/png"')
  if (upload.size === null) throw missing('size', 'its size: send size, the bytes of the file')
}

function checkActive(mimeType: string, allowed: readonly string[], servedByStore: boolean): void {
  const named = allowed.some((type) => type.toLowerCase() === essenceOf(mimeType))
  if (named && !servedByStore) return
  const advice = servedByStore
    ? 'Upload it with visibility "private".'
    : `Upload it with visibility "private". To allow it, name ${essenceOf(mimeType)} itself in uploads.allowedTypes.`
  throw new StorageError('TypeNotAllowed', {
    message: `${mimeType} is not allowed for public files, because browsers run scripts in it. ${advice}`,
  })
}

const missing = (field: string, what: string) =>
  new StorageError('InvalidArgument', {
    message: `A public file must declare ${what}. Public files are served by downloads.publicBaseUrl here, before the gateway verifies them.`,
    details: { field },
  })
