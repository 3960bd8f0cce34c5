import { canonicalRequest, type CanonicalHeaders } from './canonical-request.ts'
import { equalText, type Key } from './credential.ts'
import { noneHoisted, type HoistedHeaders } from './hoisted-headers.ts'
import { signingKey } from './signing-key.ts'
import { formatScope, hmacHex, sha256Hex, stringToSign } from './string-to-sign.ts'
import { SignatureError, type VerifiedVersion4, type VerifyOptions } from './types.ts'

/** A signature and everything that it claims to cover. */
export type ClaimedSignature = {
  signature: string
  accessKeyId: string
  /** The key with the claimed id. */
  key: Key
  amzDate: string
  method: string
  /** Already canonical. */
  path: string
  /** Already canonical, without X-Amz-Signature. */
  query: string
  /** In signing order. */
  signedHeaders: readonly string[]
  headers: CanonicalHeaders
  /** Query parameters of a presigned URL by lower-case name, where presigners put hoisted headers. */
  inQuery?: HoistedHeaders
  /** As in the canonical request. */
  payload: string
}

/**
 * Returns what a valid signature bound. Throws SignatureDoesNotMatch with details that help the client: the strings
 * to sign and the client's own signature, never the expected one.
 */
export function checkSignature(
  claimed: ClaimedSignature,
  { region, service }: Pick<VerifyOptions, 'region' | 'service'>,
): Omit<VerifiedVersion4, 'via' | 'payload' | 'hoisted'> {
  const { signature, accessKeyId, key, amzDate, method } = claimed
  const scopeParts = { date: amzDate.slice(0, 8), region, service }
  const scope = formatScope(scopeParts)
  const signing = signingKey(key.secret, scopeParts)
  const { headers, complete } = signedHeaders(claimed.signedHeaders, claimed.headers, claimed.inQuery)
  const canonical = canonicalRequest({ ...claimed, headers })
  const text = stringToSign(amzDate, scope, sha256Hex(canonical))
  const matches = /^[0-9a-f]{64}$/.test(signature) && equalText(hmacHex(signing, text), signature)
  if (!matches || !complete) {
    throw signatureMismatch({
      AWSAccessKeyId: accessKeyId,
      StringToSign: text,
      SignatureProvided: signature,
      CanonicalRequest: Buffer.from(canonical, 'latin1').toString('utf8'),
    })
  }
  return {
    version: 4,
    accessKeyId,
    owner: key.owner,
    wellKnown: key.wellKnown === true,
    method,
    signedHeaders: new Map(headers),
    seed: { signature, signingKey: signing, scope, amzDate },
  }
}

export const signatureMismatch = (details: Record<string, string>): SignatureError =>
  new SignatureError(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    details,
  )

type SignedHeaders = {
  headers: [name: string, value: string][]
  /**
   * Every signed header is present, and no hoisted value contradicts its header. Otherwise the request is rejected
   * even if the signature matches.
   */
  complete: boolean
}

/**
 * The headers named in SignedHeaders, with their signed values. An absent one may be in the query. An x-amz-* header
 * in both places must have one value.
 */
function signedHeaders(names: readonly string[], headers: CanonicalHeaders, hoisted = noneHoisted): SignedHeaders {
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
 * Rejects unsigned headers that change the meaning of a request. Otherwise the holder of a presigned URL could copy
 * any object with x-amz-copy-source. As on AWS, a value in the signed query does not cover a header of the same name.
 * x-amz-content-sha256 is exempt, because it only restricts the body further or is part of the canonical request
 * anyway.
 */
export function refuseUnsignedHeaders(names: readonly string[], headers: CanonicalHeaders): void {
  const unsigned = names.includes('host') ? [] : ['host']
  for (const name of headers.keys()) {
    if (name.startsWith('x-amz-') && name !== 'x-amz-content-sha256' && !names.includes(name)) unsigned.push(name)
  }
  if (unsigned.length === 0) return
  throw new SignatureError('AccessDenied', 'There were headers present in the request which were not signed', {
    HeadersNotSigned: unsigned.join(', '),
  })
}
