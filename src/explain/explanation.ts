/** Types of explanations. They contain no secret, no computed signature and not the signature itself. */

import type { ParameterEffect } from '../sigv4/hoisted-headers.ts'

/** The signing scheme of a URL. Only `sigv4` can be checked. Others are only named. */
export type UrlScheme = 'sigv4' | 'sigv2' | 'gcs' | 'azure' | 'cloudfront' | 'none'

/** A decoded URL or request, unchecked. */
export type DecodedSignature = {
  scheme: UrlScheme
  /** Where the signature is: in the query (a presigned URL) or in the Authorization header. */
  via: 'query' | 'header' | null
  /** `host:port` as in the URL or the Host header. null if absent. */
  host: string | null
  /** As received, still encoded. */
  path: string
  /** Decoded, after the path prefix. Path style is assumed unless the host starts with an AWS bucket. */
  bucket: string | null
  key: string | null
  credential: { accessKeyId: string; date: string; region: string; service: string } | null
  /** ISO 8601. */
  signedAt: string | null
  /** Seconds. */
  expiresIn: number | null
  expiresAt: string | null
  /** Seconds until expiry, negative after it. null without a readable expiry. */
  secondsLeft: number | null
  /** Lower case, including `host`. */
  signedHeaders: string[]
  /**
   * Headers that must be sent with the signed value, without `host` and content-length, which clients send
   * automatically.
   */
  mustSend: string[]
  /**
   * The other signed parameters, decoded. `effect` says how the server treats a parameter with a header name
   * (`x-amz-*`). null for all others.
   */
  parameters: { name: string; value: string; effect: ParameterEffect | null }[]
  /** Whether temporary credentials signed it. The URL then expires with them, even before expiresAt. */
  hasSessionToken: boolean
}

export type DifferenceCode =
  /** No signature. */
  | 'NotSigned'
  /** SigV2, Google, Azure, CloudFront. */
  | 'ForeignScheme'
  /** A parameter of the signature is missing, duplicated or malformed. */
  | 'Malformed'
  | 'WrongRegion'
  | 'WrongService'
  /** The scope's day differs from the day of X-Amz-Date. */
  | 'WrongDay'
  | 'Expired'
  | 'NotYetValid'
  /** The date of an Authorization header differs by more than 15 minutes. */
  | 'ClockSkew'
  | 'UnknownKey'
  | 'WrongToken'
  /** An x-amz-* header that is not signed. */
  | 'HeaderNotSigned'
  /** A parameter that is accepted only as a header. */
  | 'HeaderInQuery'
  | 'HeaderMissing'
  | 'HeaderChanged'
  | 'MethodChanged'
  | 'HostChanged'
  | 'PathChanged'
  | 'ParameterAdded'
  | 'ParameterRemoved'
  | 'ParameterChanged'
  | 'PayloadChanged'
  /** Region or day of the credential differ from those of the signing key. */
  | 'ScopeChanged'
  /**
   * The signature does not match, and neither does any plausible original. Another secret signed it, or the change
   * cannot be guessed.
   */
  | 'NoOriginalFound'

export type Difference = {
  code: DifferenceCode
  /** The header or parameter concerned, e.g. `content-type`. */
  name: string | null
  /** The signed value. null if unknown or absent. Secrets are shown as `…`. */
  signed: string | null
  /** The sent value, or the value that this endpoint expects. null if absent. */
  sent: string | null
  /** Whether a recomputed signature proves the difference, or no computation is needed to prove it. */
  certain: boolean
  /** One sentence that says what happened. */
  message: string
  /** One or two sentences that say what to do. */
  advice: string
}

/** One part of the canonical request, signed and sent. */
export type SignedRow = {
  part: 'method' | 'host' | 'path' | 'parameter' | 'header' | 'payload'
  /** The name of a parameter or header. */
  name: string | null
  /** Canonical form. null if absent. */
  signed: string | null
  sent: string | null
  same: boolean
}

export type Explanation = {
  /** `valid`: accepted. `refused`: see `difference`. `unchecked`: no secret to check with. */
  outcome: 'valid' | 'refused' | 'unchecked'
  decoded: DecodedSignature
  /** The first error, in the order of a server. null if there is none. */
  difference: Difference | null
  /** Further errors. */
  also: Difference[]
  /**
   * Signed and sent values, in the order of the canonical request. If no original was found, the signed values are
   * unknown: `signed` is null and `same` false in every row.
   */
  rows: SignedRow[]
  /** Number of signatures computed. */
  tried: number
}
