/** Signs a request with an Authorization header, for tools and for probing a store. */
import { formatAmzDate } from './amz-date.ts'
import { canonicalHeaders, canonicalRequest } from './canonical-request.ts'
import { canonicalPath, canonicalQuery, splitTarget } from './encode.ts'
import { signingKey } from './signing-key.ts'
import { algorithm, formatScope, hmacHex, sha256Hex, stringToSign } from './string-to-sign.ts'
import type { SigningCredentials, ChunkSeed } from './types.ts'

export type SignRequestOptions = {
  method: string
  /** Absolute and already encoded. Signed and sent as it is. */
  url: string
  /** All are signed. Values as in rawHeaders, one character per byte. A list is sent as several headers. */
  headers?: Readonly<Record<string, string | readonly string[]>>
  /** x-amz-content-sha256: the hex digest of the body, `UNSIGNED-PAYLOAD` or a streaming kind. */
  payload: string
  credentials: SigningCredentials
  region: string
  now: Date
}

export type SignedHeadersRequest = {
  /** The headers to send, including Authorization and Host. */
  headers: Record<string, string | string[]>
  /** The seed of a streaming body's signatures. */
  seed: ChunkSeed
}

export function signRequest(o: SignRequestOptions): SignedHeadersRequest {
  const match = /^(https?):\/\/([^/?#@]+)([^#]*)$/.exec(o.url)
  if (!match) throw new TypeError('the URL to sign must be absolute, without user and fragment')
  const [, scheme, authority, target] = match as unknown as [string, string, string, string]
  const host = authority.replace(scheme === 'https' ? /:443$/ : /:80$/, '').toLowerCase()
  const amzDate = formatAmzDate(o.now)
  const { sessionToken } = o.credentials
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(o.headers ?? {})) {
    headers[name.toLowerCase()] = typeof value === 'string' ? value : [...value]
  }
  headers['host'] ??= host
  headers['x-amz-date'] = amzDate
  headers['x-amz-content-sha256'] = o.payload
  if (sessionToken) headers['x-amz-security-token'] = sessionToken

  const signed = [...canonicalHeaders(toRawHeaders(headers))].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const { path, query } = splitTarget(target)
  const scopeParts = { date: amzDate.slice(0, 8), region: o.region, service: 's3' } as const
  const scope = formatScope(scopeParts)
  const canonical = canonicalRequest({
    method: o.method,
    path: canonicalPath(path),
    query: canonicalQuery(query),
    headers: signed,
    payload: o.payload,
  })
  const key = signingKey(o.credentials.secretAccessKey, scopeParts)
  const signature = hmacHex(key, stringToSign(amzDate, scope, sha256Hex(canonical)))
  headers['authorization'] =
    `${algorithm} Credential=${o.credentials.accessKeyId}/${scope},` +
    `SignedHeaders=${signed.map(([name]) => name).join(';')},Signature=${signature}`
  return { headers, seed: { signature, signingKey: key, scope, amzDate } }
}

/** As a server receives them. */
export const toRawHeaders = (headers: Readonly<Record<string, string | readonly string[]>>): string[] =>
  Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one as string]))
