import { StorageError } from '../errors.ts'
import { decodeComponent, hasMalformedEncoding, parseQuery, splitTarget } from '../sigv4/encode.ts'
import { S3Error } from './s3-error.ts'

/** A parsed request target. Routing and signature both read the same raw target once. */
export type Target = {
  /** null for the service itself, `GET /`. */
  bucket: string | null
  /** null for a bucket. Never empty. */
  key: string | null
  /** Decoded. A raw `+` stays a plus. */
  query: ReadonlyMap<string, string>
}

export type TargetOptions = {
  /** The path of the endpoint's public URL, without a trailing slash. */
  pathPrefix: string
  /** The Host header, and the domain whose subdomains are buckets. */
  host: string
  virtualHosts: string | null
}

const maxKeyBytes = 1024
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const control = /[\u0000-\u001f\u007f]/
const parameterName = /^[A-Za-z0-9._-]+$/
/** Metadata that a presigner moved into the query. Names are header names (RFC 9110 §5.6.2). */
const metadataName = /^x-amz-meta-[!#$%&'*+.^_`|~\w-]+$/i

export function parseTarget(target: string, o: TargetOptions): Target {
  if (hasMalformedEncoding(target)) throw invalidUri('The request target is not valid percent-encoded UTF-8.')
  const { path, query } = splitTarget(target)
  const named = path.startsWith(`${o.pathPrefix}/`) || path === o.pathPrefix
  if (!named) throw invalidUri(`This endpoint is mounted below ${o.pathPrefix}/.`)
  const below = path.slice(o.pathPrefix.length + 1)
  const hosted = bucketOfHost(o.host, o.virtualHosts)
  const [bucket, key] = hosted === null ? cut(below) : [hosted, decode(below)]
  if (bucket === '' && key === '') return { bucket: null, key: null, query: readQuery(query) }
  if (bucket === '')
    throw new StorageError('InvalidBucketName', { message: 'The path starts with an empty bucket name.' })
  if (key !== '') assertKey(key)
  return { bucket, key: key === '' ? null : key, query: readQuery(query) }
}

/** Rejects keys that a client, proxy or file system could resolve to another name. */
export function assertKey(key: string): void {
  if (control.test(key) || !key.isWellFormed()) throw invalidUri('A key cannot contain control characters.')
  if (key.split(/[/\\]/).some((segment) => segment === '.' || segment === '..')) {
    throw invalidUri('A key cannot contain the segments . and ..')
  }
  const size = Buffer.byteLength(key)
  if (size > maxKeyBytes) {
    throw new StorageError('KeyTooLong', {
      message: 'Your key is too long',
      details: { Size: size, MaxSizeAllowed: maxKeyBytes },
    })
  }
}

/** The bucket of a virtual-host style Host header, or null in path style. */
export function bucketOfHost(host: string, domain: string | null): string | null {
  if (domain === null) return null
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const suffix = `.${domain.toLowerCase()}`
  return name.endsWith(suffix) && name.length > suffix.length ? name.slice(0, -suffix.length) : null
}

/** The bucket is one segment. With an encoded slash it is a name that no bucket has. */
function cut(below: string): [bucket: string, key: string] {
  const slash = below.indexOf('/')
  return slash === -1 ? [decode(below), ''] : [decode(below.slice(0, slash)), decode(below.slice(slash + 1))]
}

function decode(raw: string): string {
  const text = decodeComponent(raw)
  if (text === null) throw invalidUri('The request target is not valid percent-encoded UTF-8.')
  return text
}

function readQuery(raw: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>()
  for (const { name, value } of parseQuery(raw)) {
    if ((!parameterName.test(name) && !metadataName.test(name)) || name === '__proto__') {
      throw new StorageError('InvalidArgument', { message: 'A query parameter is not supported by any operation.' })
    }
    if (query.has(name)) {
      throw new StorageError('InvalidArgument', { message: `The query parameter ${name} is given more than once.` })
    }
    query.set(name, value)
  }
  return query
}

const invalidUri = (message: string): S3Error => new S3Error('InvalidURI', message)
