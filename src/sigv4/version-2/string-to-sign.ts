/**
 * The text that a version 2 signature covers:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
 * All strings are binary (one character per byte), as in the canonical request of version 4.
 */
import { createHmac, type KeyObject } from 'node:crypto'
import { decodeComponent } from '../encode.ts'

/**
 * Parameters that version 2 covers. No other parameter is signed. This is botocore's list, which contains the guide's
 * and later additions.
 */
export const signedParameters: ReadonlySet<string> = new Set([
  'accelerate',
  'acl',
  'analytics',
  'cors',
  'delete',
  'inventory',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'partNumber',
  'policy',
  'replication',
  'requestPayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'restore',
  'select',
  'select-type',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
])

export type Version2Parts = {
  method: string
  /** Empty if absent. */
  contentMd5: string
  contentType: string
  /** Seconds since the epoch, as written in the URL. */
  expires: string
  /** Only `x-amz-*`, names in lower case. */
  amzHeaders: ReadonlyMap<string, string>
  resource: string
}

export function version2StringToSign(parts: Version2Parts): string {
  const amzHeaders = [...parts.amzHeaders]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value}\n`)
    .join('')
  const { method, contentMd5, contentType, expires, resource } = parts
  return `${method}\n${contentMd5}\n${contentType}\n${expires}\n${amzHeaders}${resource}`
}

/**
 * The possible signed resources of a target: the path as sent, without the prefix, after the Host header's bucket,
 * followed by the signed parameters, decoded. A bucket may be signed with or without a trailing slash.
 */
export function version2Resources(path: string, query: string, o: ResourceOptions): string[] {
  const below = path.startsWith(`${o.pathPrefix}/`) ? path.slice(o.pathPrefix.length) : '/'
  const whole = o.hostBucket === null ? below : `/${o.hostBucket}${below}`
  const suffix = signedQuery(query)
  const [, bucket] = /^\/([^/]+)\/?$/.exec(whole) ?? []
  const paths = bucket === undefined ? [whole] : [`/${bucket}/`, `/${bucket}`]
  return paths.map((one) => one + suffix)
}

export type ResourceOptions = {
  pathPrefix: string
  /** The bucket named by the Host header, or null in path style. */
  hostBucket: string | null
}

/** `k` and `k=` are signed as written. */
function signedQuery(query: string): string {
  const pairs: [name: string, text: string][] = []
  for (const piece of query.split('&')) {
    const at = piece.indexOf('=')
    const rawName = at === -1 ? piece : piece.slice(0, at)
    const name = decodeComponent(rawName) ?? rawName
    if (!signedParameters.has(name)) continue
    const rawValue = piece.slice(at + 1)
    pairs.push([name, at === -1 ? name : `${name}=${bytesOf(decodeComponent(rawValue) ?? rawValue)}`])
  }
  if (pairs.length === 0) return ''
  return `?${pairs
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, text]) => text)
    .join('&')}`
}

const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

/** In base64, as version 2 requires. */
export const version2Signature = (secret: KeyObject | string, text: string): string =>
  createHmac('sha1', secret).update(text, 'latin1').digest('base64')
