/**
 * Presigned URLs: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 * Byte-equal to `getSignedUrl` of @aws-sdk/s3-request-presigner with checksums WHEN_REQUIRED and every header given
 * here in its `signableHeaders` and `unhoistableHeaders`. Throws TypeError or RangeError for requests that cannot be
 * signed.
 */
import type { KeyObject } from 'node:crypto'
import { formatAmzDate } from './amz-date.ts'
import { canonicalValue } from './canonical-request.ts'
import { encodePath, encodeRfc3986, joinSorted } from './encode.ts'
import { assertKey, resolveTarget, type Target } from './endpoint.ts'
import { operationId } from './operation-id.ts'
import { BoundedCache, signingKey } from './signing-key.ts'
import { algorithm, formatScope, hmacHex, sha256HexOfAscii, stringToSign } from './string-to-sign.ts'
import type { SigningCredentials } from './types.ts'

export type PresignOptions = {
  method: string
  /** Base URL. May have a path prefix: `https://files.example.com/objects`. */
  endpoint: string
  bucket: string
  /** Absent for a request on the bucket. */
  key?: string
  /** Whether the bucket is in the path. Otherwise it is in the host name. */
  pathStyle: boolean
  /** Parameters to sign in addition to the authentication. `x-id` is added where the SDK adds it, unless given here. */
  query?: Readonly<Record<string, string>>
  /** Headers to bind. The client must send them with these values. ASCII. */
  headers?: Readonly<Record<string, string>>
  credentials: SigningCredentials
  region: string
  /** Seconds, 1 to 604800. */
  expiresIn: number
  now: Date
}

export type PresignedUrl = {
  url: string
  /** Headers to send verbatim, names in lower case. Never contains content-length, which clients send automatically. */
  headers: Record<string, string>
  expiresAt: Date
}

/** Seconds in seven days, the maximum lifetime of a Signature V4 URL. */
export const maxExpiresIn = 604_800

export function checkExpiresIn(expiresIn: number): void {
  if (Number.isInteger(expiresIn) && expiresIn >= 1 && expiresIn <= maxExpiresIn) return
  throw new RangeError(`expiresIn must be 1 to ${maxExpiresIn} seconds`)
}

export function presign(o: PresignOptions): PresignedUrl {
  const { expiresIn } = o
  checkExpiresIn(expiresIn)
  const second = Math.floor(o.now.getTime() / 1000)
  const context = contextOf(o, second)
  const path = context.basePath + encodeKey(o.key)
  const bound = bindHeaders(context.host, o.headers)
  const auth = `${context.auth}&X-Amz-Expires=${expiresIn}${context.token}`
  const signedHeaders = `&X-Amz-SignedHeaders=${bound.names.replaceAll(';', '%3B')}`
  const extra = extraParameters(o)
  const ordered = extra.every(([name]) => /^[a-z][A-Za-z0-9._~-]*$/.test(name))
  const after = ordered ? joinExtra(extra) : ''

  const query = ordered ? auth + signedHeaders + after : joinCanonical(auth + signedHeaders, extra)
  const canonical = `${o.method}\n${path}\n${query}\n${bound.lines}\n${bound.names}\nUNSIGNED-PAYLOAD`
  const text = stringToSign(context.amzDate, context.scope, sha256HexOfAscii(canonical))
  const signature = `&X-Amz-Signature=${hmacHex(context.key, text)}`
  const signedQuery = ordered
    ? auth + signature + signedHeaders + after
    : joinByName(auth + signature + signedHeaders, extra)
  return {
    url: `${context.origin}${path}?${signedQuery}`,
    headers: bound.toSend,
    expiresAt: new Date((second + expiresIn) * 1000),
  }
}

type Context = Target & {
  options: PresignOptions
  second: number
  amzDate: string
  scope: string
  key: KeyObject
  /** The parameters up to X-Amz-Date. */
  auth: string
  token: string
}

/** A one-entry cache, because consecutive calls usually share bucket, key and second. */
let last: Context | undefined

function contextOf(o: PresignOptions, second: number): Context {
  if (last?.second === second && sameSigner(last.options, o)) return last
  const { credentials, region } = o
  const target = resolveTarget(o)
  const amzDate = formatAmzDate(o.now)
  const scopeParts = { date: amzDate.slice(0, 8), region, service: 's3' } as const
  const scope = formatScope(scopeParts)
  return (last = {
    ...target,
    options: { ...o, credentials: { ...credentials } },
    second,
    amzDate,
    scope,
    key: signingKey(credentials.secretAccessKey, scopeParts),
    auth:
      `X-Amz-Algorithm=${algorithm}&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD` +
      `&X-Amz-Credential=${encodeRfc3986(`${credentials.accessKeyId}/${scope}`)}&X-Amz-Date=${amzDate}`,
    token: credentials.sessionToken ? `&X-Amz-Security-Token=${encodeRfc3986(credentials.sessionToken)}` : '',
  })
}

function sameSigner(a: PresignOptions, b: PresignOptions): boolean {
  return (
    a.endpoint === b.endpoint &&
    a.bucket === b.bucket &&
    a.pathStyle === b.pathStyle &&
    a.region === b.region &&
    a.credentials.accessKeyId === b.credentials.accessKeyId &&
    a.credentials.secretAccessKey === b.credentials.secretAccessKey &&
    a.credentials.sessionToken === b.credentials.sessionToken
  )
}

function encodeKey(key: string | undefined): string {
  if (key === undefined) return ''
  assertKey(key)
  return encodePath(key)
}

type BoundHeaders = { names: string; lines: string; toSend: Record<string, string> }

/** Headers set by the signer itself, or placed in the query of a presigned URL. */
const reservedHeaders = new Set(['host', 'authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'])
const headerNames = new BoundedCache<string, string>(128)

function headerName(given: string): string {
  const name = given.toLowerCase()
  if (!/^[a-z0-9-]+$/.test(name) || reservedHeaders.has(name))
    throw new TypeError(`the header ${given} cannot be bound`)
  return name
}

function bindHeaders(host: string, headers: Readonly<Record<string, string>> | undefined): BoundHeaders {
  const toSend: Record<string, string> = {}
  const signed: [name: string, value: string][] = [['host', host]]
  for (const given in headers) {
    const name = headerNames.get(given, () => headerName(given))
    const value = headers[given]!
    if (/[^\t\x20-\x7e]/.test(value))
      throw new TypeError(`the header ${given} contains characters other than printable ASCII`)
    if (signed.some((other) => other[0] === name)) throw new TypeError(`the header ${given} is given more than once`)
    signed.push([name, canonicalValue(value)])
    if (name !== 'content-length') toSend[name] = value
  }
  if (signed.length > 1) signed.sort(([a], [b]) => (a < b ? -1 : 1))
  let names = ''
  let lines = ''
  for (const [name, value] of signed) {
    names += names === '' ? name : `;${name}`
    lines += `${name}:${value}\n`
  }
  return { names, lines, toSend }
}

const authParameter =
  /^x-amz-(algorithm|content-sha256|credential|date|expires|security-token|signature|signedheaders)$/i

function extraParameters({ method, key, query, headers }: PresignOptions): [name: string, value: string][] {
  const extra: [string, string][] = []
  for (const name in query) {
    if (authParameter.test(name)) throw new TypeError(`the parameter ${name} is part of the signature`)
    extra.push([name, encodeRfc3986(query[name]!)])
  }
  const id = key === undefined || query?.['x-id'] !== undefined ? undefined : operationId(method, query, headers)
  if (id !== undefined) extra.push(['x-id', id])
  return extra
}

const joinExtra = (extra: [string, string][]): string => (extra.length === 0 ? '' : `&${joinSorted(extra)}`)

const split = (query: string): [name: string, value: string][] =>
  query.split('&').map((pair) => pair.split('=', 2) as [string, string])

/** Sorted by encoded name, like the canonical query. */
const joinCanonical = (auth: string, extra: [string, string][]): string =>
  joinSorted([...split(auth), ...extra].map(([name, value]) => [encodeRfc3986(name), value]))

/** Sorted by name, like the SDK's URLs. */
const joinByName = (auth: string, extra: [string, string][]): string =>
  [...split(auth), ...extra]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${encodeRfc3986(name)}=${value}`)
    .join('&')
