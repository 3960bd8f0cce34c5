/**
 * Presigned URLs of version 2:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html#RESTAuthenticationQueryStringAuth
 * Postern verifies them but never creates them. Everything that version 2 leaves unsigned is rejected, so that a URL
 * permits no more than one of version 4.
 */
import { signatureMismatch } from '../check-signature.ts'
import { equalText, findKey } from '../credential.ts'
import { parseQuery, splitTarget, type QueryParameter } from '../encode.ts'
import { hoistedHeaders } from '../hoisted-headers.ts'
import { parsePayload, isStreamingPayload, unsignedPayload } from '../payload.ts'
import { maxExpiresIn } from '../presign.ts'
import { SignatureError, type RawRequest, type Verified, type VerifyOptions } from '../types.ts'
import { maxSkew } from '../verify-presigned.ts'
import { signedParameters, version2Resources, version2Signature, version2StringToSign } from './string-to-sign.ts'

export const version2Parameters = ['AWSAccessKeyId', 'Expires', 'Signature'] as const

export type Version2Options = Pick<VerifyOptions, 'keys' | 'now'> & {
  /** The bucket named by the Host header, or null in path style. */
  hostBucket: string | null
}

/** Throws SignatureError. */
export function verifyVersion2(request: RawRequest, o: Version2Options): Verified {
  const { path, query } = splitTarget(request.target)
  const given = parseQuery(query)
  const { accessKeyId, expires, signature } = readVersion2(given)
  const expiresAt = checkExpiry(expires, o.now)

  const inQuery = headersInQuery(given)
  const headers = effectiveHeaders(request.rawHeaders, inQuery)
  const key = findKey(o.keys, accessKeyId, headers.get('x-amz-security-token'), 'InvalidToken')
  const [text, ...others] = version2Resources(path, query, { ...o, pathPrefix: request.pathPrefix }).map((resource) =>
    version2StringToSign({
      method: request.method,
      contentMd5: headers.get('content-md5') ?? '',
      contentType: headers.get('content-type') ?? '',
      expires,
      amzHeaders: new Map([...headers].filter(([name]) => name.startsWith('x-amz-'))),
      resource,
    }),
  ) as [string, ...string[]]
  if (![text, ...others].some((one) => equalText(version2Signature(key.secret, one), signature))) {
    throw signatureMismatch({
      AWSAccessKeyId: accessKeyId,
      StringToSign: Buffer.from(text, 'latin1').toString('utf8'),
      SignatureProvided: signature,
    })
  }
  return {
    version: 2,
    via: 'query',
    accessKeyId,
    owner: key.owner,
    wellKnown: key.wellKnown === true,
    method: request.method,
    signedHeaders: headers,
    hoisted: new Map([...[...inQuery].filter(([name]) => !name.startsWith('x-amz-')), ...hoistedHeaders(given)]),
    expiresAt,
    payload: payloadOf(headers),
    seed: null,
  }
}

const isHeader = (lowerCaseName: string): boolean =>
  lowerCaseName.startsWith('x-amz-') || lowerCaseName === 'content-md5' || lowerCaseName === 'content-type'

/** The three parameters of the signature. Rejects every parameter that version 2 does not cover. */
function readVersion2(given: readonly QueryParameter[]): { accessKeyId: string; expires: string; signature: string } {
  const values = new Map<string, string>()
  const unsigned: string[] = []
  for (const { name, value } of given) {
    const lower = name.toLowerCase()
    const identity = isHeader(lower) ? lower : name
    if (values.has(identity)) {
      throw new SignatureError('InvalidArgument', 'A query parameter is given more than once', { ArgumentName: name })
    }
    values.set(identity, value)
    const isOwn = (version2Parameters as readonly string[]).includes(name)
    if (!isOwn && !isHeader(lower) && !signedParameters.has(name)) unsigned.push(name)
  }
  if (version2Parameters.some((name) => (values.get(name) ?? '') === '')) {
    throw new SignatureError(
      'AccessDenied',
      `Query-string authentication requires the ${version2Parameters.join(', ')} parameters.`,
    )
  }
  if (unsigned.length > 0) {
    throw new SignatureError(
      'AccessDenied',
      'There were query parameters present in the request which signature version 2 does not cover. ' +
        "Sign with version 4 (boto3: Config(signature_version='s3v4')).",
      { ParametersNotSigned: unsigned.join(', ').slice(0, 400) },
    )
  }
  const value = (name: (typeof version2Parameters)[number]): string => values.get(name)!
  return { accessKeyId: value('AWSAccessKeyId'), expires: value('Expires'), signature: value('Signature') }
}

/** Version 2 has no limit. The limit of version 4 applies, plus the allowed clock skew of the signer. */
export const maxVersion2Life = maxExpiresIn + maxSkew

function checkExpiry(text: string, now: Date): Date {
  if (!/^\d{1,12}$/.test(text)) {
    throw new SignatureError('AccessDenied', `Invalid date (should be seconds since epoch): ${text.slice(0, 40)}`)
  }
  const expiresAt = new Date(Number(text) * 1000)
  if (now >= expiresAt) {
    throw new SignatureError('AccessDenied', 'Request has expired', {
      Expires: isoSeconds(expiresAt),
      ServerTime: isoSeconds(now),
    })
  }
  if (expiresAt.getTime() > now.getTime() + maxVersion2Life * 1000) {
    throw new SignatureError(
      'AuthorizationQueryParametersError',
      `Expires must be less than a week ahead; that is, at most ${maxExpiresIn} seconds from now. Create the URL later or with a shorter lifetime.`,
      { Expires: isoSeconds(expiresAt), ServerTime: isoSeconds(now) },
    )
  }
  return expiresAt
}

const isoSeconds = (date: Date): string => `${date.toISOString().slice(0, -5)}Z`

// oxlint-disable-next-line no-control-regex -- a line break would start another line of the string to sign
const control = /[\u0000-\u0008\u000a-\u001f\u007f]/

/** Headers that the signer put into the query, as botocore and the JavaScript SDK do. Names in lower case. */
function headersInQuery(given: readonly QueryParameter[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (const { name, value } of given) {
    const lower = name.toLowerCase()
    if (!isHeader(lower)) continue
    if (control.test(value)) {
      throw new SignatureError('InvalidArgument', 'A query parameter contains characters that a header cannot carry.', {
        ArgumentName: name.replace(/[^\w-]/g, ''),
      })
    }
    headers.set(lower, trim(Buffer.from(value, 'utf8').toString('latin1')))
  }
  return headers
}

/** The signed headers, from the request and from the query. A header in both places must have one value. */
function effectiveHeaders(
  rawHeaders: readonly string[],
  inQuery: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    if (!isHeader(name)) continue
    const value = trim(rawHeaders[i + 1]!)
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  for (const [name, value] of inQuery) {
    const sent = headers.get(name)
    if (sent !== undefined && sent !== value) throw signatureMismatch({ Header: name })
    headers.set(name, value)
  }
  return headers
}

/** White space inside a value is signed as it is, unlike in version 4. */
const trim = (value: string): string => value.replace(/^[ \t]+|[ \t]+$/g, '')

function payloadOf(headers: ReadonlyMap<string, string>): string {
  const payload = parsePayload(headers.get('x-amz-content-sha256') ?? unsignedPayload)
  if (!isStreamingPayload(payload)) return payload
  throw new SignatureError(
    'InvalidRequest',
    'Signature version 2 cannot sign a body in chunks. Please use AWS4-HMAC-SHA256.',
  )
}
