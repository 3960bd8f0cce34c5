import { hasMalformedEncoding, maxQueryParameters, parseQuery, splitTarget } from './encode.ts'
import { queryAuthParameters } from './hoisted-headers.ts'
import { SignatureError, type RawRequest, type Verified, type VerifyOptions } from './types.ts'
import { verifyHeader } from './verify-header.ts'
import { verifyPresigned } from './verify-presigned.ts'
import { version2Refused } from './version-2/refused.ts'
import { verifyVersion2 } from './version-2/verify-presigned.ts'

const queryAuth = new Set(queryAuthParameters.map((name) => name.toLowerCase()))

/**
 * Verifies a request by the mechanism that it uses. null for an anonymous request. Throws SignatureError for an
 * invalid signature.
 */
export function verifyRequest(request: RawRequest, o: VerifyOptions): Verified | null {
  if (hasMalformedEncoding(request.target)) {
    throw new SignatureError('InvalidRequest', "Couldn't parse the specified URI.")
  }
  const names = parseQuery(splitTarget(request.target).query).map(({ name }) => name)
  // Checked before the canonical query is built, which sorts and encodes all parameters.
  if (names.length > maxQueryParameters) {
    throw new SignatureError(
      'InvalidRequest',
      `The query has ${names.length} parameters, which is over the limit of ${maxQueryParameters}. Send fewer.`,
    )
  }
  const byQuery = names.some((name) => queryAuth.has(name.toLowerCase()))
  const byVersion2 = names.some((name) => name === 'AWSAccessKeyId' || name === 'Signature')
  const authorization = authorizationHeader(request.rawHeaders)

  if (authorization !== '' && (byQuery || byVersion2)) throw onlyOneMechanism()
  if (byQuery && byVersion2) throw onlyOneMechanism()
  if (/^AWS [^:\s]+:\S+$/.test(authorization)) throw version2Refused('header')
  if (byVersion2) {
    if (o.version2?.accepted() !== true) throw version2Refused('off')
    return verifyVersion2(request, { ...o, hostBucket: o.version2.hostBucket })
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

/** All Authorization headers, joined. An empty one counts as none. */
function authorizationHeader(rawHeaders: readonly string[]): string {
  const values: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === 'authorization') values.push(rawHeaders[i + 1]!.trim())
  }
  return values.filter((value) => value !== '').join(',')
}
