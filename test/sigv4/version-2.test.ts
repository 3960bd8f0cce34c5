/** Signature version 2: AWS's examples, the signed constraints, and what it must not allow. */
/* oxlint-disable vitest/expect-expect -- expectRefused asserts */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasMalformedEncoding } from '../../src/sigv4/encode.ts'
import { SignatureError, type RawRequest, type SignatureErrorCode, type VerifyOptions } from '../../src/sigv4/types.ts'
import { verifyRequest } from '../../src/sigv4/verify-request.ts'
import { arrives, credentials, expectRefused, keyRing, now, options, temporary } from './fixtures.ts'
import { meaning, mutation, unsignedHeaderOnly } from './mutations.ts'
import { presignVersion2, type Version2Options } from './version-2-signer.ts'

const accepting: VerifyOptions = { ...options, version2: { accepted: () => true, hostBucket: null } }

const url = (o: Partial<Version2Options> = {}): string =>
  presignVersion2({
    method: 'GET',
    endpoint: 'http://127.0.0.1:4001',
    bucket: 'postern',
    key: 'uploads/photo.jpg',
    credentials,
    expiresIn: 600,
    now,
    ...o,
  })

const refused = (request: RawRequest, code: SignatureErrorCode, o: Partial<VerifyOptions> = {}): SignatureError =>
  expectRefused(request, code, { ...accepting, ...o })

describe('the examples of the guide', () => {
  const example = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  }
  const target =
    '/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620'

  it('verifies the presigned GET of a virtual host', () => {
    const verified = verifyRequest(arrives('GET', `http://johnsmith.s3.amazonaws.com${target}`), {
      ...accepting,
      keys: keyRing(example),
      now: new Date('2007-03-28T00:00:00Z'),
      version2: { accepted: () => true, hostBucket: 'johnsmith' },
    })
    expect(verified).toMatchObject({ version: 2, via: 'query', accessKeyId: example.accessKeyId, method: 'GET' })
    expect(verified?.expiresAt).toEqual(new Date(1_175_139_620_000))
  })
})

describe('a presigned URL', () => {
  it.each(['a b/ü+.txt', "a'(!)*~", 'a//b', '/a', 'a%2Fb', 'a&b=c?d#e', ''])('of the key "%s" verifies', (key) => {
    expect(verifyRequest(arrives('GET', url({ key })), accepting)).toMatchObject({ payload: 'UNSIGNED-PAYLOAD' })
  })

  it('verifies below a path prefix and at a virtual host', () => {
    const below = arrives('GET', url({ endpoint: 'https://files.example.com/objects' }))
    expect(verifyRequest({ ...below, pathPrefix: '/objects' }, accepting)).not.toBeNull()
    const hosted = arrives('GET', url({ endpoint: 'https://files.example.com/objects', virtualHost: true }))
    const version2 = { accepted: () => true, hostBucket: 'postern' }
    expect(verifyRequest({ ...hosted, pathPrefix: '/objects' }, { ...accepting, version2 })).not.toBeNull()
    refused({ ...hosted, pathPrefix: '/objects' }, 'SignatureDoesNotMatch', {
      version2: { accepted: () => true, hostBucket: 'other' },
    })
  })

  it('contains headers in its query, and a sent header must be equal', () => {
    const headers = { 'content-type': 'text/plain', 'x-amz-meta-a': 'b  c', 'x-amz-acl': 'private' }
    const signed = url({ method: 'PUT', headers })
    const hoisted = verifyRequest(arrives('PUT', signed), accepting)?.hoisted
    expect(Object.fromEntries(hoisted ?? [])).toEqual(headers)
    expect(verifyRequest(arrives('PUT', signed, headers), accepting)).not.toBeNull()
    refused(arrives('PUT', signed, { ...headers, 'x-amz-acl': 'public-read' }), 'SignatureDoesNotMatch')
    refused(arrives('PUT', signed, { ...headers, 'content-type': 'text/html' }), 'SignatureDoesNotMatch')
  })

  it('signs headers that are sent and not in the query', () => {
    const headers = { 'content-type': 'text/plain', 'x-amz-meta-a': 'b' }
    const signed = url({ method: 'PUT', headers, hoist: false })
    expect(verifyRequest(arrives('PUT', signed, headers), accepting)?.hoisted.size).toBe(0)
    refused(arrives('PUT', signed), 'SignatureDoesNotMatch')
    refused(arrives('PUT', signed, { ...headers, 'content-type': 'text/html' }), 'SignatureDoesNotMatch')
    refused(arrives('PUT', signed, { ...headers, 'x-amz-copy-source': '/a/b' }), 'SignatureDoesNotMatch')
  })

  it('signs sub-resources and response overrides', () => {
    const query = { 'response-content-disposition': 'attachment; filename="a&b é.txt"', versionId: 'null', acl: null }
    const signed = url({ query })
    expect(verifyRequest(arrives('GET', signed), accepting)).not.toBeNull()
    refused(arrives('GET', signed.replace('null', 'nul')), 'SignatureDoesNotMatch')
    for (const added of ['acl', 'versionId=x', 'uploadId=x', 'response-content-type=text%2Fhtml', 'uploads', 'tagging'])
      refused(arrives('GET', `${url()}&${added}`), 'SignatureDoesNotMatch')
  })

  it('accepts the token of temporary credentials', () => {
    expect(verifyRequest(arrives('GET', url({ credentials: temporary })), accepting)).not.toBeNull()
    const { sessionToken: _, ...without } = temporary
    refused(arrives('GET', url({ credentials: without })), 'InvalidAccessKeyId')
    refused(arrives('GET', url({ credentials: { ...credentials, sessionToken: 'made up' } })), 'InvalidToken')
  })
})

describe('refuses', () => {
  it('every parameter that version 2 does not sign', () => {
    for (const added of [
      'prefix=a',
      'list-type=2',
      'max-keys=5',
      'x-id=GetObject',
      'attributes',
      'select&b=c',
      'Foo=1',
    ])
      expect(['AccessDenied', 'SignatureDoesNotMatch']).toContain(
        expectAnyRefusal(arrives('GET', `${url()}&${added}`)).code,
      )
    expect(refused(arrives('GET', `${url()}&prefix=a`), 'AccessDenied').details).toEqual({
      ParametersNotSigned: 'prefix',
    })
  })

  it('an expired URL, one of more than a week, and an invalid expiry', () => {
    expect(refused(arrives('GET', url({ expiresIn: 0 })), 'AccessDenied').details).toEqual({
      Expires: '2026-03-04T05:06:07Z',
      ServerTime: '2026-03-04T05:06:07Z',
    })
    expect(verifyRequest(arrives('GET', url({ expiresIn: 604_800 })), accepting)).not.toBeNull()
    refused(arrives('GET', url({ expiresIn: 604_800 + 1000 })), 'AuthorizationQueryParametersError')
    for (const bad of ['abc', '-1', '1e10', '%201893456000', '1893456000.5', '0x70', '9'.repeat(13)])
      refused(arrives('GET', url().replace(/Expires=\d+/, `Expires=${bad}`)), 'AccessDenied')
  })

  it('missing, empty and repeated parameters of the signature', () => {
    for (const name of ['AWSAccessKeyId', 'Signature', 'Expires']) {
      const one = new RegExp(`&?${name}=[^&]*`)
      refused(arrives('GET', url().replace(one, '')), 'AccessDenied')
      refused(arrives('GET', url().replace(one, `&${name}=`)), 'AccessDenied')
      refused(arrives('GET', `${url()}&${one.exec(url())![0].replace('&', '')}`), 'InvalidArgument')
    }
    refused(arrives('PUT', `${url({ headers: { 'content-type': 'a/b' } })}&Content-Type=a%2Fb`), 'InvalidArgument')
  })

  it('line breaks, which would move signed text to another line', () => {
    refused(arrives('GET', `${url()}&content-type=a%0Ab`), 'InvalidArgument')
    refused(arrives('GET', `${url()}&x-amz-meta-a=b%0Ax-amz-acl:private`), 'InvalidArgument')
  })

  it('an unknown key, another secret, another method', () => {
    const unknown = { accessKeyId: 'NOBODY', secretAccessKey: 'x' }
    refused(arrives('GET', url({ credentials: unknown })), 'InvalidAccessKeyId')
    const { details } = refused(
      arrives('GET', url({ credentials: { ...credentials, secretAccessKey: 'other' } })),
      'SignatureDoesNotMatch',
    )
    expect(Object.keys(details).toSorted()).toEqual(['AWSAccessKeyId', 'SignatureProvided', 'StringToSign'])
    refused(arrives('PUT', url()), 'SignatureDoesNotMatch')
    refused(arrives('HEAD', url()), 'SignatureDoesNotMatch')
  })

  it('a body in chunks, which version 2 cannot sign', () => {
    const headers = { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }
    refused(arrives('PUT', url({ method: 'PUT', headers }), headers), 'InvalidRequest')
  })

  it('an Authorization header of version 2', () => {
    const { message } = refused(
      arrives('GET', 'http://127.0.0.1:4001/postern/k', { authorization: `AWS ${credentials.accessKeyId}:c2ln` }),
      'InvalidRequest',
    )
    expect(message).toMatch(/Please use AWS4-HMAC-SHA256\. Version 2 is accepted in presigned URLs and forms only/)
  })

  it('everything if the setting does not accept it, and names the setting', () => {
    for (const version2 of [undefined, { accepted: () => false, hostBucket: null }]) {
      const { message } = expectRefused(arrives('GET', url()), 'InvalidRequest', {
        ...options,
        ...(version2 && { version2 }),
      })
      expect(message).toMatch(/Please use AWS4-HMAC-SHA256\..*objects\.sigV2: on/)
    }
  })
})

const headers = fc.dictionary(
  fc.constantFrom('content-type', 'content-md5', 'x-amz-meta-a', 'x-amz-acl'),
  fc.stringMatching(/^[!-~]{1,12}$/),
  { maxKeys: 3, noNullPrototype: true },
)
const presigned: fc.Arbitrary<RawRequest> = fc
  .record({
    key: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
    headers,
    hoist: fc.boolean(),
    signer: fc.constantFrom(credentials, temporary),
  })
  .map((o) => {
    // A session token is always written into the URL.
    const hoist = o.hoist || o.signer === temporary
    const query = { uploadId: 'a b', partNumber: '3' }
    const signed = url({ ...o, method: 'PUT', query, hoist, credentials: o.signer })
    return arrives('PUT', signed, hoist ? {} : o.headers)
  })

it('verifies until any of it is changed', () => {
  fc.assert(
    fc.property(presigned, mutation, (request, mutate) => {
      expect(verifyRequest(request, accepting)).not.toBeNull()
      const mutated = mutate(request)
      fc.pre(hasMalformedEncoding(mutated.target) || headerNamesFolded(mutated) !== headerNamesFolded(request))
      const accepted = refusalOf(mutated) === null
      expect(accepted && !unsignedHeaderOnly(request, mutated, accepting)).toBe(false)
    }),
    { numRuns: 3000 },
  )
})

/** Names of headers have no case, in the query neither. */
const headerNamesFolded = (request: RawRequest): string =>
  meaning({
    ...request,
    target: request.target.replace(/(?<=[?&])(x-amz-[^=&]*|content-type|content-md5)/gi, (name) => name.toLowerCase()),
  })

/** Any error but a SignatureError is a bug, and is thrown. An anonymous request may only read what is public. */
function refusalOf(request: RawRequest): SignatureError | 'anonymous' | null {
  try {
    return verifyRequest(request, accepting) === null ? 'anonymous' : null
  } catch (error) {
    if (error instanceof SignatureError) return error
    throw error
  }
}

function expectAnyRefusal(request: RawRequest): SignatureError {
  const refusal = refusalOf(request)
  expect(refusal).toBeInstanceOf(SignatureError)
  return refusal as SignatureError
}
