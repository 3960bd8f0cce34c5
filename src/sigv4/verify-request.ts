import { hasMalformedEncoding, maxQueryParameters, parseQuery, splitTarget } from './encode.ts'
import { queryAuthParameters } from './hoisted-headers.ts'
import { SignatureError, type RawRequest, type Verified, type VerifyOptions } from './types.ts'
import { verifyHeader } from './verify-header.ts'
import { verifyPresigned } from './verify-presigned.ts'

const queryAuth = new Set(queryAuthParameters.map((name) => name.toLowerCase()))

/**
 * Verifies a request by the mechanism it uses; null for an anonymous one. Throws SignatureError for whatever claims to
 * be authenticated and is not.
 */
export function verifyRequest(request: RawRequest, o: VerifyOptions): Verified | null {
  if (hasMalformedEncoding(request.target)) {
    throw new SignatureError('InvalidRequest', "Couldn't parse the specified URI.")
  }
  const names = parseQuery(splitTarget(request.target).query).map(({ name }) => name)
  // Before the canonical query is built, which sorts and encodes each of them.
  if (names.length > maxQueryParameters) {
    throw new SignatureError(
      'InvalidRequest',
      `The query has ${names.length} parameters; the limit is ${maxQueryParameters}. Send fewer.`,
    )
  }
  const byQuery = names.some((name) => queryAuth.has(name.toLowerCase()))
  const byOldQuery = names.some((name) => name === 'AWSAccessKeyId' || name === 'Signature')
  const authorization = authorizationHeader(request.rawHeaders)

  if (authorization !== '' && (byQuery || byOldQuery)) throw onlyOneMechanism()
  if (byQuery && byOldQuery) throw onlyOneMechanism()
  if (byOldQuery || /^AWS [^:\s]+:\S+$/.test(authorization)) {
    throw new SignatureError(
      'InvalidRequest',
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    )
  }
  if (byQuery) return verifyPresigned(request, o)
  return authorization === '' ? null : verifyHeader(request, o)
}

const onlyOneMechanism = (): SignatureError =>
  new SignatureError(
    'InvalidArgument',
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or ' +
      'the Authorization header should be specified',
    { ArgumentName: 'Authorization' },
  )

/** Every Authorization header that was sent; an empty one is none. */
function authorizationHeader(rawHeaders: readonly string[]): string {
  const values: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === 'authorization') values.push(rawHeaders[i + 1]!.trim())
  }
  return values.filter((value) => value !== '').join(',')
}
