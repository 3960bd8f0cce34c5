/** What S3 allows in keys, metadata, tags and parts, for stores that let more pass (Ceph 16 takes 3 KB of metadata). */
import type { ObjectHeaders, ObjectRef } from '../driver.ts'
import { StorageError } from '../../errors.ts'

/** "Amazon S3 multipart upload limits"; bytes, parts and seconds. */
export const limits = {
  minPartSize: 5 * 1024 ** 2,
  maxParts: 10_000,
  maxPutSize: 5 * 1024 ** 3,
  maxExpiresIn: 7 * 86_400,
} as const

export const maxKeyBytes = 1024
const maxMetadataBytes = 2048
const maxTags = { count: 10, name: 128, value: 256 }

export const resourceOf = ({ bucket, key }: { bucket: string; key?: string }): string =>
  key === undefined ? `/${bucket}` : `/${bucket}/${key}`

/**
 * An empty key would turn PutObject into CreateBucket and DeleteObject into DeleteBucket; `.` and `..` segments are
 * collapsed by clients and proxies; control characters cannot stand in the XML of a listing.
 */
export function assertKey(ref: ObjectRef, inBucket: string): void {
  const { key } = ref
  const dots = key.split(/[/\\]/).some((segment) => segment === '.' || segment === '..')
  if (key === '' || dots || !key.isWellFormed() || /\p{Cc}/u.test(key)) {
    const message = 'A key is not empty and has neither control characters nor the segments . and ..'
    throw new StorageError('InvalidKey', { message, resource: resourceOf(ref) })
  }
  const size = Buffer.byteLength(inBucket)
  if (size > maxKeyBytes) {
    throw new StorageError('KeyTooLong', {
      message: 'The key is too long',
      details: { Size: size, MaxSizeAllowed: maxKeyBytes },
    })
  }
}

export function assertMetadata({ metadata = {} }: ObjectHeaders): void {
  const size = Object.entries(metadata).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0)
  if (size > maxMetadataBytes) {
    throw new StorageError('MetadataTooLarge', { details: { Size: size, MaxSizeAllowed: maxMetadataBytes } })
  }
}

export function assertTags(tags: Record<string, string>): void {
  const entries = Object.entries(tags)
  const tooLong = entries.some(
    ([name, value]) => name === '' || name.length > maxTags.name || value.length > maxTags.value,
  )
  if (entries.length > maxTags.count || tooLong) {
    throw new StorageError('InvalidTag', {
      message: 'An object has at most 10 tags, names of up to 128 and values of up to 256 characters',
    })
  }
}

export function assertPartNumber(partNumber: number): void {
  if (Number.isInteger(partNumber) && partNumber >= 1 && partNumber <= limits.maxParts) return
  throw new StorageError('InvalidArgument', { message: `A part number is an integer from 1 to ${limits.maxParts}` })
}

export function assertExpiresIn(expiresIn: number): void {
  if (Number.isInteger(expiresIn) && expiresIn >= 1 && expiresIn <= limits.maxExpiresIn) return
  throw new StorageError('InvalidArgument', { message: `expiresIn is 1 to ${limits.maxExpiresIn} seconds` })
}
