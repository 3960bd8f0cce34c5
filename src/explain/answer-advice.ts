/** What a store's error codes mean for the holder of a presigned URL, and what to do. */

const advice: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch:
    'The request differs from the signed one, or another secret signed it. Compare method, path, query, host and signed headers with the issued URL.',
  RequestTimeTooSkewed: "Synchronise the signer's clock with NTP. The tolerance is 15 minutes.",
  ExpiredToken: 'The temporary credentials that signed the URL have expired. Sign again with fresh ones.',
  InvalidToken: 'The session token does not belong to the key. Use the three values that were issued together.',
  TokenRefreshRequired: 'The temporary credentials that signed the URL have expired. Sign again with fresh ones.',
  InvalidAccessKeyId: 'The access key is unknown. It was revoked, or it belongs to another store or account.',
  AccessDenied:
    'The key is not allowed to do this, or the URL has expired. Read the message, and allow the action in the policies of key and bucket.',
  AllAccessDisabled: 'The owner has disabled the bucket.',
  AuthorizationQueryParametersError:
    'A parameter of the signature is wrong. The message names it. If it gives a region, sign for that region.',
  AuthorizationHeaderMalformed: 'The credential is wrong. The message names the region to sign for.',
  NoSuchBucket: 'The bucket does not exist. Correct storage.bucket or create the bucket.',
  NoSuchKey: 'The URL is valid, but no object exists under this key.',
  NoSuchUpload: 'The multipart upload was completed, aborted, or belongs to another key.',
  PermanentRedirect: 'The bucket has another endpoint. Use the one in the response.',
  TemporaryRedirect: 'The bucket is in another region, or it is new. Use the endpoint in the response.',
  IllegalLocationConstraintException: 'This endpoint is in another region.',
  EntityTooLarge: 'The body is larger than this store or policy allows.',
  EntityTooSmall: 'The body is smaller than the policy allows.',
  BadDigest: 'The bytes do not match the signed checksum. Compute the checksum of the bytes that are sent.',
  InvalidDigest: 'The checksum is malformed. It must be the base64 form of the raw digest.',
  XAmzContentSHA256Mismatch: 'The body does not match the signed hash.',
  MissingContentLength: 'Send Content-Length instead of chunked encoding.',
  PreconditionFailed: 'The object already exists and the URL only creates new ones, or the ETag differs.',
  InvalidRequest: 'The message names what the store does not accept.',
  NotImplemented: 'The store does not support this operation or header.',
  MethodNotAllowed: 'This resource does not support the method.',
  SlowDown: 'Too many requests. Retry later.',
  ServiceUnavailable: 'Retry later.',
  InternalError: 'Retry later.',
}

/** By the code in the XML. Without one, as for HEAD, by the status. */
export function adviceOnAnswer(status: number, code: string | null): string | null {
  if (status < 300) return null
  const known = code !== null && Object.hasOwn(advice, code) ? advice[code] : undefined
  if (known !== undefined) return known
  if (status === 403)
    return 'The store refused the request, because the URL expired, was signed differently or is not allowed. Use GET to see the reason.'
  if (status === 404) return 'The bucket or the key does not exist.'
  if (status >= 300 && status < 400)
    return 'The bucket has another endpoint, and a signed request cannot follow a redirect. Use the endpoint in Location.'
  if (status >= 500) return 'The store failed. Retry later and check its log.'
  return 'The error code is unknown. Read the message of the response.'
}

/** The helpful parts of an S3 error. Lenient, because the result is only displayed. */
export function readErrorDocument(xml: string): {
  code: string | null
  message: string | null
  canonicalRequest: string | null
} {
  const part = (name: string): string | null => {
    const [, text] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml) ?? []
    return text === undefined ? null : unescape(text)
  }
  return { code: part('Code'), message: part('Message'), canonicalRequest: part('CanonicalRequest') }
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
const entity = /&(?:(lt|gt|quot|apos|amp)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi
const unescape = (text: string): string =>
  text.replaceAll(entity, (whole, name?: string, decimal?: string, hex?: string) => {
    if (name !== undefined) return entities[name.toLowerCase()]!
    const code = Number(decimal ?? `0x${hex}`)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
