/** Between the SDK's fields and the port's: headers, checksums, ETags. */
import {
  checksumAlgorithms,
  type BodyExpectation,
  type Checksum,
  type ChecksumAlgorithm,
  type HeadOptions,
  type ObjectHead,
  type ObjectHeaders,
  type WrittenObject,
} from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { assertMetadata, assertTags } from '../rules.ts'
import type { Preset } from './presets.ts'

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the entries that are undefined, as `exactOptionalPropertyTypes` asks. */
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
/** Errors: NotSupported for an algorithm that the store does not know. */
export function sdkAlgorithm(algorithm: ChecksumAlgorithm, { recentChecksums }: Preset) {
  if (recentChecksums || !isRecent(algorithm)) return sdkAlgorithms[algorithm]
  throw new StorageError('NotSupported', { message: `The bucket's store does not know ${algorithm} checksums` })
}

/** The latest of S3. The SDK sends their values and does not compute them. */
const isRecent = (algorithm: ChecksumAlgorithm): boolean => algorithm === 'sha512' || algorithm === 'md5'

/** The first that the store has; `undefined` where it keeps none. */
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

/** `ChecksumAlgorithm` of a listing entry's upload, in our spelling. */
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

/** The head in an answer to HeadObject or GetObject. The checksum in the answer to a range is left out. */
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

/** The headers of a write. Errors: MetadataTooLarge, NotSupported for a storage class, InvalidArgument for an `expires` that is no date. */
export function headerFields(o: ObjectHeaders) {
  assertMetadata(o)
  if (o.storageClass !== undefined) {
    throw new StorageError('NotSupported', { message: 'With the s3 driver the storage class is the one of the bucket' })
  }
  const expires = o.expires === undefined ? undefined : new Date(o.expires)
  if (expires && Number.isNaN(expires.getTime())) {
    throw new StorageError('InvalidArgument', { message: 'Expires is not a date' })
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

/** Tags as x-amz-tagging takes them. Errors: InvalidTag. */
export function tagging(tags: Record<string, string> | undefined): string | undefined {
  if (tags === undefined) return undefined
  assertTags(tags)
  return new URLSearchParams(tags).toString().replaceAll('+', '%20')
}

/** The answer to a write. The checksum is ours where we computed it, else the store's. */
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
 * What tells the store the checksum of a body: the value where it is known, else a trailer where the store takes one.
 * A store that does neither keeps no checksum; an announced one is verified here all the same. Errors: NotSupported
 * where one is to be made and the store would not keep it.
 */
export function bodyChecksum({ trailers, capabilities, recentChecksums }: Preset, { checksum }: BodyExpectation) {
  if (!checksum) return {}
  const isKnown = !isRecent(checksum.algorithm) || (recentChecksums && typeof checksum.value === 'string')
  if (!isKnown && checksum.value !== undefined) return {}
  if (typeof checksum.value === 'string') return checksumField({ algorithm: checksum.algorithm, value: checksum.value })
  if (checksum.value === undefined && !(isKnown && capabilities.includes('signed-checksum'))) {
    throw new StorageError('NotSupported', { message: "The bucket's store keeps no such checksum" })
  }
  return trailers ? { ChecksumAlgorithm: sdkAlgorithms[checksum.algorithm] } : {}
}
