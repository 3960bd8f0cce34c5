/** The Authorization header: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html */
import { formatAmzDate, parseAmzDate } from './amz-date.ts'
import { canonicalHeaders, type CanonicalHeaders } from './canonical-request.ts'
import { checkSignature, refuseUnsignedHeaders } from './check-signature.ts'
import { checkScope, findKey, parseCredential, type Credential } from './credential.ts'
import { canonicalPath, canonicalQuery, splitTarget } from './encode.ts'
import { noneHoisted } from './hoisted-headers.ts'
import { parsePayload } from './payload.ts'
import { algorithm } from './string-to-sign.ts'
import { SignatureError, type RawRequest, type VerifiedVersion4, type VerifyOptions } from './types.ts'
import { maxSkew } from './verify-presigned.ts'

/** Verifies a request authenticated by its Authorization header. Throws SignatureError. */
export function verifyHeader(request: RawRequest, o: VerifyOptions): VerifiedVersion4 {
  const { path, query } = splitTarget(request.target)
  const headers = canonicalHeaders(request.rawHeaders)
  const auth = parseAuthorization(headers.get('authorization') ?? '')
  const amzDate = requestDate(headers, o.now)
  const day = amzDate.slice(0, 8)
  checkScope(auth.credential, day, o, {
    code: 'AuthorizationHeaderMalformed',
    prefix: 'The authorization header is malformed',
  })
  const sentPayload = headers.get('x-amz-content-sha256')
  if (sentPayload === undefined) {
    throw new SignatureError('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  }
  const payload = parsePayload(sentPayload)
  const { accessKeyId } = auth.credential
  const key = findKey(o.keys, accessKeyId, headers.get('x-amz-security-token'), 'InvalidToken')
  refuseUnsignedHeaders(auth.signedHeaders, headers)

  const claimed = {
    ...auth,
    accessKeyId,
    key,
    amzDate,
    method: request.method,
    path: canonicalPath(path),
    query: canonicalQuery(query),
    headers,
    payload: sentPayload,
  }
  return {
    via: 'header',
    ...checkSignature(claimed, { ...o, region: auth.credential.region }),
    hoisted: noneHoisted,
    payload,
  }
}

type Authorization = { credential: Credential; signedHeaders: string[]; signature: string }

function parseAuthorization(value: string): Authorization {
  const [scheme, ...rest] = value.split(' ')
  if (scheme !== algorithm) {
    throw new SignatureError('InvalidArgument', 'Unsupported Authorization Type', { ArgumentName: 'Authorization' })
  }
  const parts = new Map<string, string>()
  for (const piece of rest.join(' ').split(',')) {
    const [, name, text] = /^\s*([A-Za-z]+)=(\S*)\s*$/.exec(piece) ?? []
    if (name === undefined || parts.has(name)) refuse('its parts are Credential=…, SignedHeaders=… and Signature=…')
    parts.set(name!, text!)
  }
  const part = (name: string): string => parts.get(name) || refuse(`the part ${name} is missing`)
  const credential =
    parseCredential(part('Credential')) ??
    refuse('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".')
  const authorization = { credential, signedHeaders: part('SignedHeaders').split(';'), signature: part('Signature') }
  return parts.size === 3 ? authorization : refuse('its parts are Credential=…, SignedHeaders=… and Signature=…')
}

const refuse = (what: string): never => {
  throw new SignatureError('AuthorizationHeaderMalformed', `The authorization header is malformed; ${what}`)
}

/** The signing time in basic format, from x-amz-date or Date. */
function requestDate(headers: CanonicalHeaders, now: Date): string {
  const amzDate = headers.get('x-amz-date')
  const date = amzDate === undefined ? parseHttpDate(headers.get('date') ?? '') : parseAmzDate(amzDate)
  if (!date) {
    throw new SignatureError('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
  }
  if (Math.abs(date.getTime() - now.getTime()) > maxSkew * 1000) {
    throw new SignatureError(
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      {
        RequestTime: formatAmzDate(date),
        ServerTime: `${now.toISOString().slice(0, -5)}Z`,
        MaxAllowedSkewMilliseconds: String(maxSkew * 1000),
      },
    )
  }
  return formatAmzDate(date)
}

/** IMF-fixdate (RFC 9110, section 5.6.7), also with the ending `+0000` that some clients use, or the basic format. */
function parseHttpDate(text: string): Date | null {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|\+0000)$/.test(text)) {
    return parseAmzDate(text)
  }
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? null : date
}
