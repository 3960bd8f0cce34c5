/** A canonical request in parts, so that one part can be replaced and the signature recomputed. */
import { canonicalRequest, canonicalValue } from '../sigv4/canonical-request.ts'
import { equalText, type Key } from '../sigv4/credential.ts'
import { canonicalPath, canonicalQuery, joinSorted } from '../sigv4/encode.ts'
import { unsignedPayload } from '../sigv4/payload.ts'
import { signingKey } from '../sigv4/signing-key.ts'
import { formatScope, hmacHex, sha256Hex, stringToSign } from '../sigv4/string-to-sign.ts'
import type { Claims } from './read-claims.ts'

export type Pair = readonly [name: string, value: string]

export type Original = {
  method: string
  /** Canonical. */
  path: string
  /** Encoded names and values, without the signature. */
  query: readonly Pair[]
  /** In signing order. null if neither sent nor in the query. */
  headers: readonly (readonly [name: string, value: string | null])[]
  payload: string
  region: string
  /** `YYYYMMDD` */
  day: string
}

/** The canonical request of the request as received. `claims` must be well formed. */
export function sentRequest(claims: Claims): Original {
  const { method, path, query, headers, signedHeaders, credential } = claims
  const hoisted = new Map(
    claims.parameters.map(({ name, value }) => [
      name.toLowerCase(),
      canonicalValue(Buffer.from(value).toString('latin1')),
    ]),
  )
  return {
    method,
    path: canonicalPath(path),
    query: pairsOf(canonicalQuery(query, 'X-Amz-Signature')),
    headers: signedHeaders.map((name) => [name, headers.get(name) ?? hoisted.get(name) ?? null]),
    payload: payloadOf(claims),
    region: credential!.region,
    day: credential!.date,
  }
}

/** The pairs of a canonical query. */
export const pairsOf = (query: string): Pair[] =>
  query === ''
    ? []
    : query.split('&').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])

function payloadOf({ via, headers, parameters, signedHeaders }: Claims): string {
  const name = 'x-amz-content-sha256'
  const sent = headers.get(name)
  const inQuery = parameters.find((parameter) => parameter.name === 'X-Amz-Content-Sha256')?.value
  if (via === 'header') return sent ?? unsignedPayload
  return (signedHeaders.includes(name) ? (sent ?? inQuery) : inQuery) ?? unsignedPayload
}

/** Tests whether the given signature covers an original, at most `most` times. After that it returns false. */
export type Signatures = { cover(original: Original): boolean; readonly tried: number; readonly spent: boolean }

export function createSignatures(claims: Claims, { secret }: Key, most: number): Signatures {
  const given = claims.given['X-Amz-Signature']!
  const amzDate = claims.given['X-Amz-Date']!
  let tried = 0
  return {
    get tried() {
      return tried
    },
    get spent() {
      return tried >= most
    },
    cover(original) {
      if (tried >= most) return false
      tried++
      const scope = { date: original.day, region: original.region, service: 's3' } as const
      const canonical = canonicalRequest({
        ...original,
        query: joinSorted(original.query.map(([name, value]) => [name, value])),
        headers: original.headers.map(([name, value]) => [name, value ?? '']),
      })
      const text = stringToSign(amzDate, formatScope(scope), sha256Hex(canonical))
      return equalText(hmacHex(signingKey(secret, scope), text), given)
    },
  }
}
