import { decodeComponent } from '../sigv4/encode.ts'
import { parameterEffect, type ParameterEffect } from '../sigv4/hoisted-headers.ts'
import type { RawRequest } from '../sigv4/types.ts'
import type { DecodedSignature } from './explanation.ts'
import { isClaim, readClaims, shown, type Claims } from './read-claims.ts'

/** Decodes a presigned URL without checking it. Throws TypeError if it is not an http(s) URL. */
export function decodeUrl(url: string, now: Date, o: { pathPrefix?: string } = {}): DecodedSignature {
  return decodeClaims(readClaims(requestOf(url, { method: 'GET', ...o })), now)
}

export type UrlRequest = {
  method: string
  headers?: readonly (readonly [name: string, value: string])[]
  pathPrefix?: string
}

/**
 * The request that a URL makes, without normalisation. `URL` would resolve dots and encode again. Fragments are never
 * sent. Throws TypeError if it is not an http(s) URL.
 */
export function requestOf(url: string, { method, headers = [], pathPrefix = '' }: UrlRequest): RawRequest {
  const match = /^(https?):\/\/(?:[^/?#@]*@)?([^/?#@]+)([^#]*)/i.exec(url.trim())
  if (!match) throw new TypeError('This is not an http or https URL. Pass the whole URL in quotes.')
  const [, scheme, authority, target] = match as unknown as [string, string, string, string]
  const host = authority.toLowerCase().replace(scheme.toLowerCase() === 'https' ? /:443$/ : /:80$/, '')
  const named = headers.some(([name]) => name.toLowerCase() === 'host')
  return {
    method,
    target: target.startsWith('/') ? target : `/${target}`,
    rawHeaders: [...(named ? [] : ['Host', host]), ...headers.flat()],
    pathPrefix,
  }
}

export function decodeClaims(claims: Claims, now: Date): DecodedSignature {
  const { scheme, via, host, path, credential, date, expiresIn, signedHeaders, parameters, given } = claims
  const expiresAt = date && expiresIn !== null ? new Date(date.getTime() + expiresIn * 1000) : null
  return {
    scheme,
    via,
    host,
    path,
    ...objectOf(claims),
    credential: credential && {
      accessKeyId: credential.accessKeyId,
      date: credential.date,
      region: credential.region,
      service: credential.service,
    },
    signedAt: date?.toISOString() ?? null,
    expiresIn,
    expiresAt: expiresAt?.toISOString() ?? null,
    secondsLeft: expiresAt && Math.round((expiresAt.getTime() - now.getTime()) / 1000),
    signedHeaders,
    mustSend: signedHeaders.filter((name) => name !== 'host' && name !== 'content-length'),
    parameters: parameters
      .filter(({ name }) => !isClaim(name))
      .map(({ name, value }) => ({ name, value: shown(name, value), effect: effectOf(via, name) })),
    hasSessionToken: given['X-Amz-Security-Token'] !== undefined,
  }
}

/** Only presigned URLs carry headers. Next to an Authorization header, `x-amz-*` parameters have no effect. */
const effectOf = (via: Claims['via'], name: string): ParameterEffect | null =>
  via === 'query' ? parameterEffect(name) : null

/** AWS puts the bucket into the host name. For other stores it is assumed to be first in the path. */
function objectOf({ host, path, pathPrefix }: Claims): Pick<DecodedSignature, 'bucket' | 'key'> {
  const below = path.startsWith(`${pathPrefix}/`) ? path.slice(pathPrefix.length + 1) : path.slice(1)
  const [, hosted] = /^([^:]+?)\.s3[.-][^:]*amazonaws\.com(?:\.cn)?(?::|$)/.exec(host ?? '') ?? []
  const slash = below.indexOf('/')
  const bucket = hosted ?? (slash === -1 ? below : below.slice(0, slash))
  const key = hosted !== undefined ? below : slash === -1 ? '' : below.slice(slash + 1)
  return { bucket: decodeComponent(bucket) || null, key: (decodeComponent(key) ?? key) || null }
}
