/** What is said of a signed URL or request. Nothing in here holds a secret, a computed MAC or the signature itself. */

import type { ParameterEffect } from '../sigv4/hoisted-headers.ts'

/** How a URL says who made it. Only `sigv4` is ours to check; the others are named and left. */
export type UrlScheme = 'sigv4' | 'sigv2' | 'gcs' | 'azure' | 'cloudfront' | 'none'

/** A URL, or a request, read. Nothing of it is checked. */
export type DecodedSignature = {
  scheme: UrlScheme
  /** Where the signature stands: in the query (a presigned URL) or in the Authorization header. */
  via: 'query' | 'header' | null
  /** `host:port` as in the URL or the Host header; null where there was none. */
  host: string | null
  /** As on the wire, still encoded. */
  path: string
  /** Decoded, after the path prefix: path style is assumed unless the host begins with a bucket of AWS. */
  bucket: string | null
  key: string | null
  credential: { accessKeyId: string; date: string; region: string; service: string } | null
  /** ISO 8601. */
  signedAt: string | null
  /** Seconds. */
  expiresIn: number | null
  expiresAt: string | null
  /** Seconds until it expires, below zero since it expired; null where it has no end or none that can be read. */
  secondsLeft: number | null
  /** Lower case, `host` among them. */
  signedHeaders: string[]
  /** Headers that must be sent with the value that was signed: `host` and content-length go by themselves and are left out. */
  mustSend: string[]
  /**
   * The other signed parameters, decoded. `effect` is what the server does with one that has the name of a header
   * (`x-amz-*`); null for every other parameter.
   */
  parameters: { name: string; value: string; effect: ParameterEffect | null }[]
  /** Whether temporary credentials signed it: it ends when they end, whatever expiresAt says. */
  hasSessionToken: boolean
}

export type DifferenceCode =
  /** No signature at all. */
  | 'NotSigned'
  /** SigV2, Google, Azure, CloudFront. */
  | 'ForeignScheme'
  /** A parameter of the signature is missing, given twice or unreadable. */
  | 'Malformed'
  | 'WrongRegion'
  | 'WrongService'
  /** The scope's day is not the day of X-Amz-Date. */
  | 'WrongDay'
  | 'Expired'
  | 'NotYetValid'
  /** The date of an Authorization header is more than 15 minutes away. */
  | 'ClockSkew'
  | 'UnknownKey'
  | 'WrongToken'
  /** An x-amz-* header that the signer did not see. */
  | 'HeaderNotSigned'
  /** A parameter that is accepted as a header only. */
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
  /** Region or day in the credential are not those that the signing key was made for. */
  | 'ScopeChanged'
  /** It does not match, and no plausible original does: another secret signed it, or something nobody guesses was changed. */
  | 'NoOriginalFound'

export type Difference = {
  code: DifferenceCode
  /** The header or parameter it is about, e.g. `content-type`. */
  name: string | null
  /** What was signed; null where it is not known or was not there. Values of secrets are `…`. */
  signed: string | null
  /** What was sent (or what this endpoint expects to be told); null where it was not there. */
  sent: string | null
  /** Whether a signature over the named original was recomputed and is the given one, or no computing is needed to know. */
  certain: boolean
  /** One sentence: what happened. */
  message: string
  /** One or two sentences: what to do. */
  advice: string
}

/** One line of what is signed, side by side. */
export type SignedRow = {
  part: 'method' | 'host' | 'path' | 'parameter' | 'header' | 'payload'
  /** Of a parameter or header. */
  name: string | null
  /** Canonical form; null: not there. */
  signed: string | null
  sent: string | null
  same: boolean
}

export type Explanation = {
  /** `valid`: accepted as it stands. `refused`: `difference` says why. `unchecked`: no secret to check it with. */
  outcome: 'valid' | 'refused' | 'unchecked'
  decoded: DecodedSignature
  /** The first thing that is wrong, in the order in which a server looks; null when nothing is. */
  difference: Difference | null
  /** What else is wrong. */
  also: Difference[]
  /**
   * What was signed beside what was sent, in the order of the canonical request. Where no original was found nothing is
   * known of what was signed: `signed` is null and `same` false in every row.
   */
  rows: SignedRow[]
  /** How many signatures were computed. */
  tried: number
}
