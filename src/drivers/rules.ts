/** The limits of S3 for keys, buckets, metadata and tags. The emulation has the same limits. */
import { StorageError } from '../errors.ts'
import type { ObjectHeaders, ObjectRef } from './driver.ts'

export const maxKeyBytes = 1024
export const maxMetadataBytes = 2048
export const maxTags = 10
export const maxBucketTags = 50

export const limits = {
  minPartSize: 5 * 1024 * 1024,
  maxParts: 10_000,
  maxPutSize: 5 * 1024 ** 3,
  maxExpiresIn: 604_800,
} as const

export const resourceOf = ({ bucket, key }: { bucket: string; key?: string }): string =>
  key === undefined ? `/${bucket}` : `/${bucket}/${key}`

// oxlint-disable-next-line no-control-regex -- the pattern finds control characters
const control = /[\u0000-\u001f\u007f]/

/**
 * Throws InvalidKey or KeyTooLong. Dot segments are rejected although keys never become paths: clients and proxies
 * resolve them, so the requested URL would differ from the signed one.
 */
export function assertKey(ref: ObjectRef): void {
  const { key } = ref
  const refuse = (message: string): never => {
    throw new StorageError('InvalidKey', { message, resource: resourceOf(ref) })
  }
  if (key === '') refuse('A key cannot be empty.')
  if (!key.isWellFormed() || control.test(key)) refuse('A key cannot contain control characters.')
  if (key.split(/[/\\]/).some((segment) => segment === '.' || segment === '..'))
    refuse('A key cannot contain the segments . and ..')
  assertKeySize(key)
}

export function assertKeySize(key: string): void {
  const size = Buffer.byteLength(key)
  if (size > maxKeyBytes)
    throw new StorageError('KeyTooLong', {
      message: 'Your key is too long',
      details: { Size: size, MaxSizeAllowed: maxKeyBytes },
    })
}

export function assertBucketName(bucket: string): void {
  const valid =
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) &&
    !/\.\.|\.-|-\./.test(bucket) &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(bucket) &&
    !bucket.startsWith('xn--')
  if (!valid) throw new StorageError('InvalidBucketName', { message: 'The specified bucket is not valid.' })
}

export function assertMetadata({ metadata = {} }: ObjectHeaders): void {
  let size = 0
  for (const [name, value] of Object.entries(metadata)) size += Buffer.byteLength(name) + Buffer.byteLength(value)
  if (size > maxMetadataBytes)
    throw new StorageError('MetadataTooLarge', {
      message: 'Your metadata headers exceed the maximum allowed metadata size',
      details: { Size: size, MaxSizeAllowed: maxMetadataBytes },
    })
}

const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

export const assertTags = (tags: Record<string, string>): void =>
  assertTagSet(tags, maxTags, 'Object tags cannot be greater than 10')

export const assertBucketTags = (tags: Record<string, string>): void =>
  assertTagSet(tags, maxBucketTags, 'Bucket tag count cannot be greater than 50')

function assertTagSet(tags: Record<string, string>, max: number, tooMany: string): void {
  const entries = Object.entries(tags)
  const refuse = (message: string): never => {
    throw new StorageError('InvalidTag', { message })
  }
  if (entries.length > max) refuse(tooMany)
  for (const [name, value] of entries) {
    if (name.length === 0 || name.length > 128 || !tagText.test(name)) refuse('The TagKey you have provided is invalid')
    if (value.length > 256 || !tagText.test(value)) refuse('The TagValue you have provided is invalid')
  }
}

export function assertPartNumber(partNumber: number): void {
  if (Number.isInteger(partNumber) && partNumber >= 1 && partNumber <= limits.maxParts) return
  throw new StorageError('InvalidArgument', {
    message: `Part number must be an integer between 1 and ${limits.maxParts}, inclusive`,
  })
}

export function assertExpiresIn(expiresIn: number): void {
  if (Number.isInteger(expiresIn) && expiresIn >= 1 && expiresIn <= limits.maxExpiresIn) return
  throw new StorageError('InvalidArgument', { message: `expiresIn is 1 to ${limits.maxExpiresIn} seconds.` })
}

/** Picks the fields of ObjectHeaders that are defined. */
export function pickHeaders(o: ObjectHeaders): ObjectHeaders {
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, expires, metadata } = o
  const { storageClass } = o
  return {
    ...(contentType !== undefined && { contentType }),
    ...(contentEncoding !== undefined && { contentEncoding }),
    ...(contentDisposition !== undefined && { contentDisposition }),
    ...(contentLanguage !== undefined && { contentLanguage }),
    ...(cacheControl !== undefined && { cacheControl }),
    ...(expires !== undefined && { expires }),
    ...(metadata !== undefined && Object.keys(metadata).length > 0 && { metadata }),
    ...(storageClass !== undefined && { storageClass }),
  }
}
