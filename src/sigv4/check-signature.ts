import type { KeyObject } from 'node:crypto'
import { canonicalRequest, type CanonicalHeaders, type CanonicalParts } from './canonical-request.ts'
import { equalText } from './credential.ts'
import { hmacHex, sha256Hex, stringToSign } from './string-to-sign.ts'
import { SignatureError } from './types.ts'

export type SignatureCheck = {
  request: CanonicalParts
  amzDate: string
  scope: string
  key: KeyObject
  accessKeyId: string
  provided: string
  /** False where the request lacks what it signed: it is refused whatever its signature is. */
  complete: boolean
}

/**
 * Throws SignatureDoesNotMatch with what the client needs to find its mistake: the strings it should have signed, its
 * own signature, never ours.
 */
export function checkSignature(o: SignatureCheck): void {
  const canonical = canonicalRequest(o.request)
  const text = stringToSign(o.amzDate, o.scope, sha256Hex(canonical))
  const matches = /^[0-9a-f]{64}$/.test(o.provided) && equalText(hmacHex(o.key, text), o.provided)
  if (matches && o.complete) return
  throw signatureMismatch({
    AWSAccessKeyId: o.accessKeyId,
    StringToSign: text,
    SignatureProvided: o.provided,
    CanonicalRequest: Buffer.from(canonical, 'latin1').toString('utf8'),
  })
}

export const signatureMismatch = (details: Record<string, string>): SignatureError =>
  new SignatureError(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    details,
  )

export type SignedHeaders = {
  headers: [name: string, value: string][]
  /** Every signed header is there, and no hoisted one contradicts its header. */
  complete: boolean
}

/** Query parameters of a presigned request by lower-case name: where clients hoist headers to. */
export type HoistedHeaders = ReadonlyMap<string, string>

const noneHoisted: HoistedHeaders = new Map()

/**
 * The headers named in SignedHeaders, with the values that were signed. One that is absent may stand in the query; an
 * x-amz-* header that stands in both must have one value.
 */
export function signedHeaders(
  names: readonly string[],
  headers: CanonicalHeaders,
  hoisted = noneHoisted,
): SignedHeaders {
  let complete = true
  const signed = names.map((name): [string, string] => {
    const sent = headers.get(name)
    const inQuery = hoisted.get(name)
    if (sent === undefined && inQuery === undefined) complete = false
    if (sent !== undefined && inQuery !== undefined && name.startsWith('x-amz-') && sent !== inQuery) complete = false
    return [name, sent ?? inQuery ?? '']
  })
  return { headers: signed, complete }
}

/**
 * Refuses a request with headers that change its meaning and that its signer did not see: whoever holds a presigned URL
 * could otherwise copy any object with x-amz-copy-source. Exempt are x-amz-content-sha256, which binds the body harder
 * or stands in the canonical request anyway, and headers whose very value is in the signed query.
 */
export function refuseUnsignedHeaders(
  names: readonly string[],
  headers: CanonicalHeaders,
  hoisted = noneHoisted,
): void {
  const unsigned = names.includes('host') ? [] : ['host']
  for (const [name, value] of headers) {
    if (!name.startsWith('x-amz-') || name === 'x-amz-content-sha256' || names.includes(name)) continue
    const inQuery = hoisted.get(name)
    if (inQuery === undefined) unsigned.push(name)
    else if (inQuery !== value) throw signatureMismatch({ Header: name })
  }
  if (unsigned.length === 0) return
  throw new SignatureError('AccessDenied', 'There were headers present in the request which were not signed', {
    HeadersNotSigned: unsigned.join(', '),
  })
}
