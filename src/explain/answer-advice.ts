/** What a store's error codes mean to whoever holds a presigned URL, and what to do. */

const advice: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch:
    'The store saw another request than the one signed, or the secret is another. Compare method, path, query, host and signed headers with what was issued.',
  RequestTimeTooSkewed: "Set the signer's clock by NTP: more than 15 minutes off is refused.",
  ExpiredToken: 'The temporary credentials that signed it have ended: take fresh ones and sign again.',
  InvalidToken: 'The session token does not belong to the key: use the three values that were issued together.',
  TokenRefreshRequired: 'The temporary credentials that signed it have ended: take fresh ones and sign again.',
  InvalidAccessKeyId: 'The store does not know the key: it was revoked, or belongs to another store or account.',
  AccessDenied:
    'The signature was read, and the key may not do this here, or the URL has expired: look at the message; allow the action in the policy of key and bucket.',
  AllAccessDisabled: 'The owner has switched the bucket off.',
  AuthorizationQueryParametersError:
    'A parameter of the signature is wrong: the message names it. A region given there is the one to sign for.',
  AuthorizationHeaderMalformed: 'The credential is wrong: the message names the region to sign for.',
  NoSuchBucket: 'There is no such bucket: correct storage.bucket, or make it.',
  NoSuchKey: 'The URL is good, and nothing is stored under this key.',
  NoSuchUpload: 'The multipart upload was completed, aborted, or belongs to another key.',
  PermanentRedirect: 'The bucket lies at another endpoint: use the one that the answer names.',
  TemporaryRedirect: 'The bucket lies in another region, or is new: use the endpoint that the answer names.',
  IllegalLocationConstraintException: 'Another region is the right one for this endpoint.',
  EntityTooLarge: 'The body is larger than this store or policy allows.',
  EntityTooSmall: 'The body is smaller than the policy allows.',
  BadDigest: 'The bytes are not those whose checksum was signed: compute it over the bytes that are sent.',
  InvalidDigest: 'The checksum is no checksum: it is base64 of the raw digest.',
  XAmzContentSHA256Mismatch: 'The body is not the one whose hash was signed.',
  MissingContentLength: 'Send a length: no chunked encoding.',
  PreconditionFailed: 'An object is there already and the URL makes new ones only, or its ETag is another.',
  InvalidRequest: 'The message names what the store does not take.',
  NotImplemented: 'The store does not know this operation or header.',
  MethodNotAllowed: 'This resource does not take the method.',
  SlowDown: 'Too many requests: try again later.',
  ServiceUnavailable: 'Try again later.',
  InternalError: 'Try again later.',
}

/** By the XML's code; where there is none, as for HEAD, by the status. */
export function adviceOnAnswer(status: number, code: string | null): string | null {
  if (status < 300) return null
  const known = code !== null && Object.hasOwn(advice, code) ? advice[code] : undefined
  if (known !== undefined) return known
  if (status === 403)
    return 'The store refuses it: expired, signed otherwise, or not allowed. Try with GET to be told more.'
  if (status === 404) return 'Nothing is there: no such bucket, or no such key.'
  if (status >= 300 && status < 400)
    return 'The bucket lies elsewhere: a signature cannot follow a redirect. Use the endpoint named in Location.'
  if (status >= 500) return 'The store fails: try again later, and read its log.'
  return 'The answer names no code that this program knows: read its message.'
}

/** The parts of an S3 error document that help. Tolerant: it is for reading, not for deciding. */
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
