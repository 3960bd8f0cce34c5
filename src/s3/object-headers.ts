/** Parses a request's headers about the object that it writes. */
import { StorageError } from '../errors.ts'
import {
  checksumAlgorithms,
  type Checksum,
  type ChecksumAlgorithm,
  type ChecksumType,
  type ObjectHeaders,
  type ReadConditions,
  type WriteConditions,
} from '../drivers/driver.ts'
import { checksumFromBase64 } from '../drivers/checksums/checksum.ts'
import { S3Error } from './s3-error.ts'

type Headers = ReadonlyMap<string, string>

const metaPrefix = 'x-amz-meta-'

/** A token (RFC 9110 §5.6.2). */
export const isHeaderName = (text: string): boolean => /^[!#$%&'*+.^_`|~\w-]+$/.test(text)

export function readObjectHeaders(headers: Headers): ObjectHeaders {
  // Without a prototype `__proto__` is an ordinary name.
  const metadata: Record<string, string> = Object.create(null)
  for (const [name, value] of headers) {
    if (name.startsWith(metaPrefix)) metadata[name.slice(metaPrefix.length)] = value
  }
  const encoding = headers.get('content-encoding')
  return {
    ...given('contentType', headers.get('content-type')),
    ...given('contentEncoding', encoding === undefined ? undefined : withoutChunks(encoding)),
    ...given('contentDisposition', headers.get('content-disposition')),
    ...given('contentLanguage', headers.get('content-language')),
    ...given('cacheControl', headers.get('cache-control')),
    ...given('expires', headers.get('expires')),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...readStorageClass(headers),
  }
}

/** As it was sent, without aws-chunked, which describes the transfer and not the object. */
function withoutChunks(encoding: string): string {
  const codings = encoding.split(',')
  const kept = codings.filter((coding) => coding.trim().toLowerCase() !== 'aws-chunked')
  return kept.length === codings.length ? encoding : kept.join(',').trim()
}

const given = <K extends string>(name: K, value: string | undefined): { [P in K]?: string } =>
  (value === undefined || value === '' ? {} : { [name]: value }) as { [P in K]?: string }

/** `x-amz-tagging`: tags as a query string. */
export function readTagging(headers: Headers): { tags?: Record<string, string> } {
  const text = headers.get('x-amz-tagging')
  if (text === undefined) return {}
  const tags: Record<string, string> = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) addTag(tags, name, value)
  return { tags }
}

export function addTag(tags: Record<string, string>, name: string, value: string): void {
  if (name in tags) throw new StorageError('InvalidTag', { message: 'Cannot provide multiple Tags with the same key' })
  tags[name] = value
}

/** The response headers that carry a checksum. */
export const checksumHeaderNames: readonly string[] = [
  ...checksumAlgorithms.map((algorithm) => `x-amz-checksum-${algorithm}`).toSorted(),
  'x-amz-checksum-type',
]

export const isChecksumAlgorithm = (name: string): name is ChecksumAlgorithm =>
  (checksumAlgorithms as readonly string[]).includes(name)

/** An algorithm in S3's spelling: `SHA256`. */
export function parseAlgorithm(text: string): ChecksumAlgorithm {
  const name = text.toLowerCase()
  if (isChecksumAlgorithm(name)) return name
  throw new StorageError('InvalidRequest', {
    message: `Checksum algorithm provided is unsupported: ${text.replace(/[^\w-]/g, '')}. Please try again with any of the valid types: ${checksumAlgorithms.map((known) => known.toUpperCase()).join(', ')}`,
  })
}

const checksumHeader = 'x-amz-checksum-'
const notAlgorithms = new Set(['algorithm', 'mode', 'type'])

/**
 * The checksum declared in a header (base64 of the digest), or undefined. `suffix` is the part count of a composite
 * checksum.
 */
export function readChecksum(headers: Headers): Checksum | undefined {
  let found: Checksum | undefined
  for (const [header, value] of headers) {
    if (!header.startsWith(checksumHeader)) continue
    const name = header.slice(checksumHeader.length)
    if (notAlgorithms.has(name)) continue
    const algorithm = parseAlgorithm(name)
    if (found !== undefined) {
      throw new StorageError('InvalidRequest', {
        message: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
      })
    }
    found = { algorithm, value: checksumValue(algorithm, value) }
  }
  return found
}

/** Base64 of a digest of the right length, with `-<parts>` appended for a composite checksum. */
export function checksumValue(algorithm: ChecksumAlgorithm, value: string): string {
  checksumFromBase64(algorithm, value.replace(/-\d{1,5}$/, ''))
  return value
}

export function readChecksumType(headers: Headers): { checksumType?: ChecksumType } {
  const type = headers.get('x-amz-checksum-type')?.toUpperCase()
  if (type === undefined) return {}
  if (type === 'FULL_OBJECT' || type === 'COMPOSITE') return { checksumType: type }
  throw new StorageError('InvalidRequest', { message: 'Value for x-amz-checksum-type header is invalid.' })
}

/** An HTTP date. An invalid date is no condition (RFC 9110 §13.1.3). */
function date(text: string | undefined): Date | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : new Date(time)
}

/** `prefix` is `x-amz-copy-source-` for conditions on a copy's source. */
export function readConditions(headers: Headers, prefix = ''): ReadConditions {
  const ifMatch = headers.get(`${prefix}if-match`)
  const ifNoneMatch = headers.get(`${prefix}if-none-match`)
  const ifModifiedSince = date(headers.get(`${prefix}if-modified-since`))
  const ifUnmodifiedSince = date(headers.get(`${prefix}if-unmodified-since`))
  return {
    ...(ifMatch !== undefined && { ifMatch }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    ...(ifModifiedSince !== undefined && { ifModifiedSince }),
    ...(ifUnmodifiedSince !== undefined && { ifUnmodifiedSince }),
  }
}

export function readWriteConditions(headers: Headers): WriteConditions {
  const ifMatch = headers.get('if-match')
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new S3Error('NotImplemented', 'If-None-Match on a write is implemented for * alone.')
  }
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new S3Error('NotImplemented', 'If-Match and If-None-Match cannot be combined on a write.')
  }
  for (const name of ['if-modified-since', 'if-unmodified-since']) {
    if (headers.has(name)) throw new S3Error('NotImplemented', `${name} on a write is not implemented.`)
  }
  return { ...(ifMatch !== undefined && { ifMatch }), ...(ifNoneMatch !== undefined && { ifNoneMatch: '*' }) }
}

const unsupportedHeaders: readonly (readonly [RegExp, string])[] = [
  [/^x-amz-(copy-source-)?server-side-encryption/, 'Server-side encryption'],
  [/^x-amz-website-redirect-location$/, 'Website redirects'],
  [/^x-amz-write-offset-bytes$/, 'Appending to objects'],
]

/** Unsupported features are rejected by name. Ignoring them would break a promise to the client. */
export function refuseUnsupportedHeaders(headers: Headers): void {
  for (const [name, value] of headers) {
    if (!name.startsWith('x-amz-')) continue
    for (const [pattern, feature] of unsupportedHeaders) {
      if (pattern.test(name) && value.toLowerCase() !== 'false') {
        throw new S3Error('NotImplemented', `${feature} (${name}) is not implemented.`)
      }
    }
  }
  readStorageClass(headers)
}

/** Classes whose objects can be read immediately. Objects in archive classes would have to be restored first. */
const storageClasses = new Set(['REDUCED_REDUNDANCY', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR'])

/** Errors: InvalidStorageClass. */
export function readStorageClass(headers: Headers): Pick<ObjectHeaders, 'storageClass'> {
  const storageClass = headers.get('x-amz-storage-class')
  if (storageClass === undefined || storageClass === 'STANDARD') return {}
  if (storageClasses.has(storageClass)) return { storageClass }
  throw new S3Error('InvalidStorageClass', 'The storage class you specified is not valid')
}
