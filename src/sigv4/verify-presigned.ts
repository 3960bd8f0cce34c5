/** Presigned requests: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
import { parseAmzDate } from './amz-date.ts'
import { canonicalHeaders, type CanonicalHeaders } from './canonical-request.ts'
import { checkSignature, refuseUnsignedHeaders, signatureMismatch } from './check-signature.ts'
import { checkScope, findKey, parseCredential, type Credential } from './credential.ts'
import { canonicalPath, canonicalQuery, parseQuery, splitTarget, type QueryParameter } from './encode.ts'
import {
  hoistedHeaders,
  isOwnParameter,
  queryAuthParameters,
  signedInQuery,
  tokenParameter,
} from './hoisted-headers.ts'
import { parsePayload, unsignedPayload } from './payload.ts'
import { maxExpiresIn } from './presign.ts'
import { algorithm } from './string-to-sign.ts'
import { SignatureError, type RawRequest, type VerifiedVersion4, type VerifyOptions } from './types.ts'

/** Seconds by which a client's clock may be ahead. */
export const maxSkew = 900

/** Verifies a request authenticated by its query. Throws SignatureError. */
export function verifyPresigned(request: RawRequest, o: VerifyOptions): VerifiedVersion4 {
  const { path, query } = splitTarget(request.target)
  const given = parseQuery(query)
  const parameters = uniqueParameters(given)
  const auth = readAuthParameters(parameters)
  const day = auth.amzDate.slice(0, 8)
  checkScope(auth.credential, day, o, {
    code: 'AuthorizationQueryParametersError',
    prefix: 'Error parsing the X-Amz-Credential parameter',
  })
  const expiresAt = checkTime(auth, o.now)

  const headers = canonicalHeaders(request.rawHeaders)
  const { accessKeyId } = auth.credential
  const tokenSigned = auth.signedHeaders.includes('x-amz-security-token')
  const token = parameters.get(tokenParameter) ?? (tokenSigned ? headers.get('x-amz-security-token') : undefined)
  const key = findKey(o.keys, accessKeyId, token, 'AuthorizationQueryParametersError')
  refuseUnsignedHeaders(auth.signedHeaders, headers)

  const payload = bodyOf(headers, parameters, new Set(auth.signedHeaders))
  const claimed = {
    ...auth,
    accessKeyId,
    key,
    method: request.method,
    path: canonicalPath(path),
    query: canonicalQuery(query, 'X-Amz-Signature'),
    headers,
    inQuery: signedInQuery(given),
    payload: payload.signed,
  }
  const hoisted = hoistedHeaders(given)
  return {
    via: 'query',
    ...checkSignature(claimed, { ...o, region: auth.credential.region }),
    hoisted,
    expiresAt,
    payload: payload.body,
  }
}

const refuse = (message: string): never => {
  throw new SignatureError('AuthorizationQueryParametersError', message)
}

/**
 * Rejects a query that parsers could interpret differently: duplicate names, and names with brackets or `__proto__`,
 * which some treat as objects.
 */
function uniqueParameters(given: readonly QueryParameter[]): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  const seen = new Set<string>()
  for (const { name, value } of given) {
    const lower = name.toLowerCase()
    // Header names are case-insensitive, so X-Amz-Acl and x-amz-acl would be one header with two values.
    const identity = lower.startsWith('x-amz-') ? lower : name
    if (seen.has(identity)) {
      if (isOwnParameter(lower)) refuse(`The parameter ${name} is given more than once`)
      throw new SignatureError('InvalidArgument', 'A query parameter is given more than once', { ArgumentName: name })
    }
    if (/[[\]]/.test(name) || name === '__proto__') {
      throw new SignatureError('InvalidArgument', 'This query parameter is not supported', { ArgumentName: name })
    }
    seen.add(identity)
    parameters.set(name, value)
  }
  return parameters
}

type AuthParameters = {
  credential: Credential
  amzDate: string
  date: Date
  /** Seconds. */
  expires: number
  signedHeaders: string[]
  signature: string
}

function readAuthParameters(parameters: ReadonlyMap<string, string>): AuthParameters {
  if (queryAuthParameters.some((name) => (parameters.get(name) ?? '') === '')) {
    refuse(`Query-string authentication version 4 requires the ${queryAuthParameters.join(', ')} parameters.`)
  }
  const value = (name: (typeof queryAuthParameters)[number]): string => parameters.get(name)!
  if (value('X-Amz-Algorithm') !== algorithm) refuse(`X-Amz-Algorithm only supports "${algorithm}"`)
  const credential =
    parseCredential(value('X-Amz-Credential')) ??
    refuse(
      'Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; ' +
        'expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    )
  const amzDate = value('X-Amz-Date')
  const date = parseAmzDate(amzDate) ?? refuse("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  return {
    credential,
    amzDate,
    date,
    expires: readExpires(value('X-Amz-Expires')),
    signedHeaders: value('X-Amz-SignedHeaders').split(';'),
    signature: value('X-Amz-Signature'),
  }
}

function readExpires(text: string): number {
  if (/^-\d+$/.test(text)) refuse('X-Amz-Expires must be non-negative')
  if (!/^\d+$/.test(text)) refuse('X-Amz-Expires should be a number')
  if (!/^\d{1,6}$/.test(text) || Number(text) > maxExpiresIn) {
    refuse(
      `X-Amz-Expires must be less than a week in seconds; that is, the given X-Amz-Expires must be at most ${maxExpiresIn}`,
    )
  }
  return Number(text)
}

function checkTime({ date, expires }: AuthParameters, now: Date): Date {
  if (date.getTime() > now.getTime() + maxSkew * 1000) {
    throw new SignatureError('AccessDenied', 'Request is not valid yet', { ServerTime: isoSeconds(now) })
  }
  const expiresAt = new Date(date.getTime() + expires * 1000)
  if (expires === 0 || now >= expiresAt) {
    throw new SignatureError('AccessDenied', 'Request has expired', {
      'X-Amz-Expires': String(expires),
      Expires: isoSeconds(expiresAt),
      ServerTime: isoSeconds(now),
    })
  }
  return expiresAt
}

const isoSeconds = (date: Date): string => `${date.toISOString().slice(0, -5)}Z`

/**
 * The signed payload line, and what binds the body. A client may send the body's digest with a URL that leaves it
 * open, but may not loosen what the URL binds.
 */
function bodyOf(
  headers: CanonicalHeaders,
  parameters: ReadonlyMap<string, string>,
  signed: ReadonlySet<string>,
): { signed: string; body: string } {
  const name = 'x-amz-content-sha256'
  const sent = headers.get(name)
  const inQuery = parameters.get('X-Amz-Content-Sha256')
  const body = parsePayload(sent ?? inQuery ?? unsignedPayload)
  if (
    sent !== undefined &&
    inQuery !== undefined &&
    sent !== inQuery &&
    (signed.has(name) || inQuery !== unsignedPayload)
  ) {
    throw signatureMismatch({ Header: name })
  }
  return { signed: signed.has(name) ? (sent ?? inQuery ?? unsignedPayload) : (inQuery ?? unsignedPayload), body }
}
