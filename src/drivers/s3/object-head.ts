/** Maps headers, checksums and ETags between the SDK and the driver port. */
import {
  checksumAlgorithms,
  type BodyExpectation,
  type Checksum,
  type ChecksumAlgorithm,
  type HeadOptions,
  type ObjectHead,
  type ObjectHeaders,
  type ObjectLock,
  type WrittenObject,
} from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { assertMetadata, assertTags } from '../rules.ts'
import type { Preset } from './presets.ts'

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Removes entries that are undefined, as `exactOptionalPropertyTypes` requires. */
export const present = <T extends object>(o: T): Present<T> =>
  Object.fromEntries(Object.entries(o).filter(([, value]) => value !== undefined)) as Present<T>

export const bareEtag = (etag: string | undefined): string => (etag ?? '').replace(/^W\//, '').replaceAll('"', '')
export const quotedEtag = (etag: string): string => `"${bareEtag(etag)}"`

const checksumFields = {
  sha1: 'ChecksumSHA1',
  sha256: 'ChecksumSHA256',
  sha512: 'ChecksumSHA512',
  md5: 'ChecksumMD5',
  crc32: 'ChecksumCRC32',
  crc32c: 'ChecksumCRC32C',
  crc64nvme: 'ChecksumCRC64NVME',
} as const satisfies Record<ChecksumAlgorithm, string>

export type ChecksumFields = Partial<Record<(typeof checksumFields)[ChecksumAlgorithm], string>>

export const checksumField = ({ algorithm, value }: Pick<Checksum, 'algorithm' | 'value'>): ChecksumFields => ({
  [checksumFields[algorithm]]: value,
})

const sdkAlgorithms = {
  sha1: 'SHA1',
  sha256: 'SHA256',
  sha512: 'SHA512',
  md5: 'MD5',
  crc32: 'CRC32',
  crc32c: 'CRC32C',
  crc64nvme: 'CRC64NVME',
} as const
/** Errors: NotSupported for an algorithm that the store does not support. */
export function sdkAlgorithm(algorithm: ChecksumAlgorithm, { recentChecksums }: Preset) {
  if (recentChecksums || !isRecent(algorithm)) return sdkAlgorithms[algorithm]
  throw new StorageError('NotSupported', { message: `The bucket's store does not support ${algorithm} checksums.` })
}

/** Algorithms that S3 added last. The SDK sends their values but does not compute them. */
const isRecent = (algorithm: ChecksumAlgorithm): boolean => algorithm === 'sha512' || algorithm === 'md5'

/** The first checksum that the store returned. undefined if there is none. */
export function checksumOf(
  from: { [K in keyof ChecksumFields]?: string | undefined } & { ChecksumType?: string | undefined },
): Checksum | undefined {
  for (const algorithm of checksumAlgorithms) {
    const value = from[checksumFields[algorithm]]
    if (value === undefined) continue
    const type = from.ChecksumType
    return { algorithm, value, ...(type === 'FULL_OBJECT' || type === 'COMPOSITE' ? { type } : {}) }
  }
  return undefined
}

/** The driver's name for `ChecksumAlgorithm` of a listed upload. */
export const ourAlgorithm = (name: string | undefined): ChecksumAlgorithm | undefined =>
  checksumAlgorithms.find((algorithm) => sdkAlgorithms[algorithm] === name)

type HeadFields = { [K in keyof ChecksumFields]?: string | undefined } & {
  ChecksumType?: string | undefined
  ContentLength?: number | undefined
  ContentRange?: string | undefined
  ETag?: string | undefined
  LastModified?: Date | undefined
  VersionId?: string | undefined
  TagCount?: number | undefined
  PartsCount?: number | undefined
  ContentType?: string | undefined
  ContentEncoding?: string | undefined
  ContentDisposition?: string | undefined
  ContentLanguage?: string | undefined
  CacheControl?: string | undefined
  ExpiresString?: string | undefined
  Metadata?: Record<string, string> | undefined
}

/** The head from a response to HeadObject or GetObject. Leaves out the checksum of a range. */
export function objectHead(from: HeadFields, { partNumber }: HeadOptions = {}): ObjectHead {
  const range = contentRange(from.ContentRange)
  return {
    contentLength: range?.total ?? from.ContentLength ?? 0,
    etag: bareEtag(from.ETag),
    lastModified: from.LastModified ?? new Date(0),
    ...present({
      contentType: from.ContentType,
      contentEncoding: from.ContentEncoding,
      contentDisposition: from.ContentDisposition,
      contentLanguage: from.ContentLanguage,
      cacheControl: from.CacheControl,
      expires: from.ExpiresString,
      metadata: from.Metadata,
      checksum: range === undefined || partNumber !== undefined ? checksumOf(from) : undefined,
      versionId: from.VersionId === 'null' ? undefined : from.VersionId,
      tagCount: from.TagCount,
      partCount: from.PartsCount,
    }),
  }
}

export type ContentRange = { start: number; end: number; total: number }

export function contentRange(value: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(value ?? '')
  return match ? { start: Number(match[1]), end: Number(match[2]), total: Number(match[3]) } : undefined
}

/** Errors: NotSupported. */
export function refuseLock({ lock }: { lock?: ObjectLock }): void {
  if (lock) throw new StorageError('NotSupported', { message: 'The s3 driver does not support object lock' })
}

/**
 * The headers of a write. Errors: MetadataTooLarge, NotSupported for a storage class or a lock, InvalidArgument for an `expires`
 * that is not a date.
 */
export function headerFields(o: ObjectHeaders & { lock?: ObjectLock }) {
  assertMetadata(o)
  refuseLock(o)
  if (o.storageClass !== undefined) {
    throw new StorageError('NotSupported', {
      message: 'The s3 driver does not support storage classes. The bucket sets it.',
    })
  }
  const expires = o.expires === undefined ? undefined : new Date(o.expires)
  if (expires && Number.isNaN(expires.getTime())) {
    throw new StorageError('InvalidArgument', { message: 'Expires is not a date.' })
  }
  return present({
    ContentType: o.contentType,
    ContentEncoding: o.contentEncoding,
    ContentDisposition: o.contentDisposition,
    ContentLanguage: o.contentLanguage,
    CacheControl: o.cacheControl,
    Expires: expires,
    Metadata: o.metadata,
  })
}

/** Tags in the format of x-amz-tagging. Errors: InvalidTag. */
export function tagging(tags: Record<string, string> | undefined): string | undefined {
  if (tags === undefined) return undefined
  assertTags(tags)
  return new URLSearchParams(tags).toString().replaceAll('+', '%20')
}

/** The result of a write. Contains the checksum that the driver computed, or else the store's. */
export function written(
  answer: { ETag?: string | undefined; VersionId?: string | undefined } & Parameters<typeof checksumOf>[0],
  contentLength: number,
  computed?: Checksum,
): WrittenObject {
  const checksum = computed ?? checksumOf(answer)
  return {
    etag: bareEtag(answer.ETag),
    contentLength,
    ...present({ checksum, versionId: answer.VersionId === 'null' ? undefined : answer.VersionId }),
  }
}

/**
 * Sends the checksum of a body to the store: its value if known, or else a trailer if the store supports one. A store
 * that supports neither keeps no checksum. The driver still verifies a declared checksum. Errors: NotSupported if a
 * checksum must be computed and the store would not keep it.
 */
export function bodyChecksum({ trailers, capabilities, recentChecksums }: Preset, { checksum }: BodyExpectation) {
  if (!checksum) return {}
  const isKnown = !isRecent(checksum.algorithm) || (recentChecksums && typeof checksum.value === 'string')
  if (!isKnown && checksum.value !== undefined) return {}
  if (typeof checksum.value === 'string') return checksumField({ algorithm: checksum.algorithm, value: checksum.value })
  if (checksum.value === undefined && !(isKnown && capabilities.includes('signed-checksum'))) {
    throw new StorageError('NotSupported', { message: "The bucket's store does not keep this checksum." })
  }
  return trailers ? { ChecksumAlgorithm: sdkAlgorithms[checksum.algorithm] } : {}
}
