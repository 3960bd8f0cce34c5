import { canonicalRequest, type CanonicalHeaders } from './canonical-request.ts'
import { equalText, type Key } from './credential.ts'
import { noneHoisted, type HoistedHeaders } from './hoisted-headers.ts'
import { signingKey } from './signing-key.ts'
import { formatScope, hmacHex, sha256Hex, stringToSign } from './string-to-sign.ts'
import { SignatureError, type VerifiedVersion4, type VerifyOptions } from './types.ts'

/** A signature and all that it is said to cover. */
export type ClaimedSignature = {
  signature: string
  accessKeyId: string
  /** What the ring has under that id. */
  key: Key
  amzDate: string
  method: string
  /** Canonical already. */
  path: string
  /** Canonical already, X-Amz-Signature left out. */
  query: string
  /** In the order in which they are signed. */
  signedHeaders: readonly string[]
  headers: CanonicalHeaders
  /** Parameters of a presigned URL by lower-case name, where presigners hoist headers to. */
  inQuery?: HoistedHeaders
  /** As it stands in the canonical request. */
  payload: string
}

/**
 * Says what a right signature bound. Throws SignatureDoesNotMatch with what the client needs to find its mistake: the
 * strings it should have signed, its own signature, never ours.
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
  /** Every signed header is there, and no hoisted one contradicts its header: else it is refused, signed or not. */
  complete: boolean
}

/**
 * The headers named in SignedHeaders, with the values that were signed. One that is absent may stand in the query; an
 * x-amz-* header that stands in both must have one value.
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
 * Refuses a request with headers that change its meaning and that its signer did not see: whoever holds a presigned URL
 * could otherwise copy any object with x-amz-copy-source. As on AWS, a value in the signed query does not cover a header
 * of the same name. Exempt is x-amz-content-sha256, which binds the body harder or stands in the canonical request anyway.
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
