/** Reads what a request says about its own signature. `check-claims.ts` checks it. */
import { parseAmzDate } from '../sigv4/amz-date.ts'
import { canonicalHeaders, type CanonicalHeaders } from '../sigv4/canonical-request.ts'
import { parseCredential, type Credential } from '../sigv4/credential.ts'
import { parseQuery, splitTarget, type QueryParameter } from '../sigv4/encode.ts'
import type { RawRequest } from '../sigv4/types.ts'
import type { UrlScheme } from './explanation.ts'
import { schemeOf } from './url-scheme.ts'

export type Claims = {
  scheme: UrlScheme
  via: 'query' | 'header' | null
  method: string
  host: string | null
  /** Raw. */
  path: string
  query: string
  pathPrefix: string
  headers: CanonicalHeaders
  /** Decoded, in order. */
  parameters: readonly QueryParameter[]
  /** As given. undefined if absent. */
  given: Readonly<Partial<Record<ClaimName, string>>>
  credential: Credential | null
  date: Date | null
  /** Seconds. null if unreadable, and for an Authorization header, which has none. */
  expiresIn: number | null
  signedHeaders: string[]
}

/** Query parameter names. An Authorization header has the same parts. */
export const claimNames = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
  'X-Amz-Security-Token',
] as const
export type ClaimName = (typeof claimNames)[number]

export function readClaims(request: RawRequest): Claims {
  const { path, query } = splitTarget(request.target)
  const headers = canonicalHeaders(request.rawHeaders)
  const parameters = parseQuery(query)
  const scheme = schemeOf(parameters, headers.get('authorization') ?? '')
  const byHeader = (headers.get('authorization') ?? '').startsWith('AWS4-')
  const via = scheme !== 'sigv4' ? null : byHeader ? 'header' : 'query'
  const given = via === 'query' ? fromQuery(parameters) : via === 'header' ? fromHeader(headers) : {}
  const expires = given['X-Amz-Expires']
  return {
    scheme,
    via,
    method: request.method,
    host: headers.get('host') ?? null,
    path,
    query,
    pathPrefix: request.pathPrefix,
    headers,
    parameters,
    given,
    credential: parseCredential(given['X-Amz-Credential'] ?? ''),
    date: parseAmzDate(given['X-Amz-Date'] ?? ''),
    expiresIn: expires !== undefined && /^\d{1,9}$/.test(expires) ? Number(expires) : null,
    signedHeaders: (given['X-Amz-SignedHeaders'] ?? '').split(';').filter((name) => name !== ''),
  }
}

function fromQuery(parameters: readonly QueryParameter[]): Claims['given'] {
  const given: Partial<Record<ClaimName, string>> = {}
  for (const name of claimNames) {
    const found = parameters.find((parameter) => parameter.name === name)
    if (found) given[name] = found.value
  }
  return given
}

function fromHeader(headers: CanonicalHeaders): Claims['given'] {
  const authorization = headers.get('authorization') ?? ''
  const part = (name: string): string | undefined => new RegExp(`[ ,]${name}=([^, ]*)`).exec(authorization)?.[1]
  const all: Record<ClaimName, string | undefined> = {
    'X-Amz-Algorithm': authorization.split(' ', 1)[0],
    'X-Amz-Credential': part('Credential'),
    'X-Amz-Date': headers.get('x-amz-date'),
    'X-Amz-Expires': undefined,
    'X-Amz-SignedHeaders': part('SignedHeaders'),
    'X-Amz-Signature': part('Signature'),
    'X-Amz-Security-Token': headers.get('x-amz-security-token'),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** Whether a parameter belongs to the signature itself. */
export const isClaim = (name: string): boolean =>
  (claimNames as readonly string[]).includes(name) || name === 'X-Amz-Content-Sha256'

/** A value for display. Tokens, customers' keys and signatures are hidden. */
export const shown = (name: string, value: string): string =>
  /security-token|customer-key$|^authorization$|^cookie$|^sig$|signature$/i.test(name) ? '…' : value
