/** Invalid requests with an Authorization header. Titles start with the number of their security case. */
/* oxlint-disable vitest/expect-expect -- expectRefused asserts */
import { describe, expect, it } from 'vitest'
import { canonicalRequest } from '../../src/sigv4/canonical-request.ts'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { signingKey } from '../../src/sigv4/signing-key.ts'
import { formatScope, hmacHex, sha256Hex, stringToSign } from '../../src/sigv4/string-to-sign.ts'
import type { RawRequest, SignatureErrorCode } from '../../src/sigv4/types.ts'
import { verifyRequest } from '../../src/sigv4/verify-request.ts'
import { arrives, credentials, expectRefused, now, options, refusal, signedRequest, temporary } from './fixtures.ts'

const target = 'http://127.0.0.1:4001/postern/uploads/photo.jpg'
const signedHeaders = signRequest({
  method: 'PUT',
  url: target,
  payload: 'UNSIGNED-PAYLOAD',
  credentials,
  region: 'us-east-1',
  now,
}).headers
const authorization = signedHeaders['authorization'] as string
const put = (headers: Record<string, string | string[]> = {}): RawRequest =>
  arrives('PUT', target, { ...signedHeaders, ...headers })
const without = (name: string): RawRequest => {
  const { [name]: _, ...rest } = signedHeaders
  return arrives('PUT', target, rest)
}
const edited = (search: string | RegExp, replacement: string): RawRequest =>
  put({ authorization: authorization.replace(search, replacement) })
const at = (seconds: number): { now: Date } => ({ now: new Date(now.getTime() + seconds * 1000) })

describe('a signed request', () => {
  it('verifies, and returns all signed constraints', () => {
    const verified = verifyRequest(put({ 'user-agent': 'x' }), options)!
    expect(verified).toMatchObject({
      via: 'header',
      accessKeyId: credentials.accessKeyId,
      owner: `owner of ${credentials.accessKeyId}`,
      method: 'PUT',
      payload: 'UNSIGNED-PAYLOAD',
      seed: { scope: '20260304/us-east-1/s3/aws4_request', amzDate: '20260304T050607Z' },
    })
    expect([...verified.signedHeaders.keys()]).toEqual(['host', 'x-amz-content-sha256', 'x-amz-date'])
  })

  it('verifies with a session token, and with spaces after its commas', () => {
    expect(verifyRequest(signedRequest({ credentials: temporary }), options)).not.toBeNull()
    expect(verifyRequest(edited(/,/g, ',  '), options)).not.toBeNull()
  })

  it.each(['Wed, 04 Mar 2026 05:06:07 GMT', 'Wed, 04 Mar 2026 05:06:07 +0000', '20260304T050607Z'])(
    'verifies with Date: %s alone',
    (date) => {
      const scope = { date: '20260304', region: 'us-east-1', service: 's3' } as const
      const headers = { date, host: '127.0.0.1:4001', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
      const canonical = canonicalRequest({
        method: 'PUT',
        path: '/postern/uploads/photo.jpg',
        query: '',
        headers: Object.entries(headers),
        payload: 'UNSIGNED-PAYLOAD',
      })
      const text = stringToSign('20260304T050607Z', formatScope(scope), sha256Hex(canonical))
      const signature = hmacHex(signingKey(credentials.secretAccessKey, scope), text)
      const value =
        `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${formatScope(scope)},` +
        `SignedHeaders=date;host;x-amz-content-sha256,Signature=${signature}`
      expect(verifyRequest(arrives('PUT', target, { ...headers, authorization: value }), options)).not.toBeNull()
    },
  )

  it('26 canonicalises repeated headers, spaces and bytes as they came', () => {
    const utf8 = Buffer.from('grün  🌱').toString('latin1')
    const headers = { 'x-amz-meta-a': ['one', ' two   three ', 'four\tfive'], 'x-amz-meta-b': utf8 }
    const request = signedRequest({ headers })
    expect(verifyRequest(request, options)!.signedHeaders.get('x-amz-meta-a')).toBe('one,two three,four five')
    const swapped = {
      ...request,
      rawHeaders: request.rawHeaders.map((v) => (v === 'one' ? 'four\tfive' : v === 'four\tfive' ? 'one' : v)),
    }
    expectRefused(swapped, 'SignatureDoesNotMatch')
    const latin1 = { ...request, rawHeaders: request.rawHeaders.map((v) => (v === utf8 ? 'grün 🌱' : v)) }
    expectRefused(latin1, 'SignatureDoesNotMatch')
  })

  it('shows the canonical request as UTF-8', () => {
    const request = signedRequest({ headers: { 'x-amz-meta-b': Buffer.from('grün').toString('latin1') } })
    const { details } = expectRefused({ ...request, method: 'DELETE' }, 'SignatureDoesNotMatch')
    expect(details['CanonicalRequest']).toContain('x-amz-meta-b:grün')
  })
})

const malformed = 'AuthorizationHeaderMalformed'

describe('refusals', () => {
  it.each<[row: string, request: RawRequest, code: SignatureErrorCode]>([
    ['28 garbage', put({ authorization: 'garbage' }), 'InvalidArgument'],
    ['28 another scheme', put({ authorization: 'Bearer abc' }), 'InvalidArgument'],
    ['28 another algorithm', edited('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256'), 'InvalidArgument'],
    ['28 SigV2 garbage', put({ authorization: 'AWS HAHAHA' }), 'InvalidArgument'],
    ['23 SigV2', put({ authorization: 'AWS AKID:c2lnbmF0dXJl' }), 'InvalidRequest'],
    ['28 no parts', put({ authorization: 'AWS4-HMAC-SHA256' }), malformed],
    ['28 a part that is none', put({ authorization: 'AWS4-HMAC-SHA256 HAHAHA' }), malformed],
    ['28 no Credential', edited(/Credential=[^,]*,/, ''), malformed],
    ['28 no SignedHeaders', edited(/SignedHeaders=[^,]*,/, ''), malformed],
    ['28 no Signature', edited(/,Signature=.*/, ''), malformed],
    ['28 an empty Signature', edited(/Signature=.*/, 'Signature='), malformed],
    ['28 a part twice', edited('SignedHeaders=', 'SignedHeaders=host,SignedHeaders='), malformed],
    ['28 a part too many', edited('Signature=', 'Extra=1,Signature='), malformed],
    ['28 a space before an equals sign', edited('Signature=', 'Signature ='), malformed],
    ['28 a space after it', edited('Signature=', 'Signature= '), malformed],
    ['28 two headers', put({ authorization: [authorization, authorization] }), malformed],
    ['28 four parts in the credential', edited('/s3/', '/'), malformed],
    ['4 region', edited('us-east-1', 'eu-west-1'), malformed],
    ['4 service', edited('/s3/', '/ec2/'), malformed],
    ['4 terminator', edited('aws4_request', 'aws_request'), malformed],
    ['5 scope of another day', edited('/20260304/', '/20260303/'), malformed],
    ['29 no date', without('x-amz-date'), 'AccessDenied'],
    ['29 a malformed date', put({ 'x-amz-date': 'yesterday' }), 'AccessDenied'],
    ['29 an empty date', put({ 'x-amz-date': '' }), 'AccessDenied'],
    ['29 a day that does not exist', put({ 'x-amz-date': '20260230T000000Z' }), 'AccessDenied'],
    ['29 another year', put({ 'x-amz-date': '20300707T215304Z' }), 'RequestTimeTooSkewed'],
    ['11 an unknown key', edited(credentials.accessKeyId, 'NOBODY'), 'InvalidAccessKeyId'],
    [
      '24 a token never issued',
      signedRequest({ credentials: { ...credentials, sessionToken: 'made up' } }),
      'InvalidToken',
    ],
    ['24 another token', signedRequest({ credentials: { ...temporary, sessionToken: 'made up' } }), 'InvalidToken'],
    ['24 no token', signedRequest({ credentials: { ...temporary, sessionToken: '' } }), 'InvalidAccessKeyId'],
    ['31 no x-amz-content-sha256', without('x-amz-content-sha256'), 'InvalidRequest'],
    ['31 neither hash nor sentinel', signedRequest({ payload: 'abc' }), 'InvalidArgument'],
    ['31 a short hash', signedRequest({ payload: 'a'.repeat(63) }), 'InvalidArgument'],
    [
      '31 a sentinel of another algorithm',
      signedRequest({ payload: 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD' }),
      'InvalidArgument',
    ],
    ['30 x-amz-copy-source unsigned', put({ 'x-amz-copy-source': '/a/b' }), 'AccessDenied'],
    ['30 x-amz-meta-a unsigned', put({ 'X-Amz-Meta-A': 'b' }), 'AccessDenied'],
    ['16 host unsigned', edited('SignedHeaders=host;', 'SignedHeaders='), 'AccessDenied'],
    ['17 a signed header absent', edited('SignedHeaders=host;', 'SignedHeaders=host;range;'), 'SignatureDoesNotMatch'],
    ['12 method', { ...put(), method: 'DELETE' }, 'SignatureDoesNotMatch'],
    ['12 target', { ...put(), target: '/postern/uploads/phot0.jpg' }, 'SignatureDoesNotMatch'],
    ['12 a parameter', { ...put(), target: `${put().target}?acl` }, 'SignatureDoesNotMatch'],
    ['12 host', put({ host: 'localhost:4001' }), 'SignatureDoesNotMatch'],
    ['12 payload', put({ 'x-amz-content-sha256': 'a'.repeat(64) }), 'SignatureDoesNotMatch'],
    ['13 a short signature', edited(/.$/, ''), 'SignatureDoesNotMatch'],
    ['13 no hex', edited(/..$/, 'zz'), 'SignatureDoesNotMatch'],
    [
      '32 an unsigned trailer with a made-up signature',
      arrives('PUT', target, {
        ...signRequest({
          method: 'PUT',
          url: target,
          payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
          credentials: { ...credentials, secretAccessKey: 'made up' },
          region: 'us-east-1',
          now,
        }).headers,
      }),
      'SignatureDoesNotMatch',
    ],
  ])('%s', (_, request, code) => {
    expectRefused(request, code)
  })

  it('29 a clock off by 15 minutes, and by more', () => {
    expect(verifyRequest(put(), { ...options, ...at(899) })).not.toBeNull()
    expect(verifyRequest(put(), { ...options, ...at(-899) })).not.toBeNull()
    const { details } = expectRefused(put(), 'RequestTimeTooSkewed', at(901))
    expect(details).toEqual({
      RequestTime: '20260304T050607Z',
      ServerTime: '2026-03-04T05:21:08Z',
      MaxAllowedSkewMilliseconds: '900000',
    })
    expectRefused(put(), 'RequestTimeTooSkewed', at(-901))
  })

  it('never repeats a foreign credential', () => {
    const error = refusal(() => verifyRequest(put({ authorization: 'Bearer s3cr3t' }), options))
    expect(JSON.stringify([error.message, error.details])).not.toContain('s3cr3t')
  })
})
