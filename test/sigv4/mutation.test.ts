/** A valid request does not verify after any change. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasMalformedEncoding } from '../../src/sigv4/encode.ts'
import { presign } from '../../src/sigv4/presign.ts'
import { SignatureError, type RawRequest } from '../../src/sigv4/types.ts'
import { verifyRequest } from '../../src/sigv4/verify-request.ts'
import { arrives, credentials, now, options, signedRequest, temporary } from './fixtures.ts'
import { meaning, mutation, unsignedHeaderOnly } from './mutations.ts'

const key = fc
  .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  .filter((text) => !/(?:^|\/)\.\.?(?:\/|$)/.test(text))
const headers = fc.dictionary(
  fc.constantFrom('content-type', 'content-length', 'x-amz-meta-a', 'x-amz-acl', 'if-none-match'),
  fc.stringMatching(/^[!-~]{1,12}$/),
  { maxKeys: 3, noNullPrototype: true },
)
const signer = fc.constantFrom(credentials, temporary)

const presigned: fc.Arbitrary<RawRequest> = fc.record({ key, headers, signer }).map((o) => {
  const { url } = presign({
    method: 'PUT',
    endpoint: 'http://127.0.0.1:4001',
    bucket: 'postern',
    key: o.key,
    pathStyle: true,
    query: { versionId: 'a b' },
    headers: o.headers,
    credentials: o.signer,
    region: 'us-east-1',
    expiresIn: 600,
    now,
  })
  return arrives('PUT', url, o.headers)
})

const authorized: fc.Arbitrary<RawRequest> = fc.record({ key, headers, signer }).map((o) =>
  signedRequest({
    url: `http://127.0.0.1:4001/postern/${encodeURIComponent(o.key)}?partNumber=1&uploadId=a%2Fb`,
    headers: o.headers,
    credentials: o.signer,
  }),
)

describe.each([
  ['presigned', presigned],
  ['with an Authorization header', authorized],
])('a request %s', (_, requests) => {
  it('verifies until any of it is changed', () => {
    fc.assert(
      fc.property(requests, mutation, (request, mutate) => {
        expect(verifyRequest(request, options)).not.toBeNull()
        const mutated = mutate(request)
        fc.pre(hasMalformedEncoding(mutated.target) || meaning(mutated) !== meaning(request))
        // What is left may be an anonymous request, and that may do nothing but read what is public.
        const outcome = outcomeOf(mutated)
        expect(outcome === 'accepted' && !unsignedHeaderOnly(request, mutated, options)).toBe(false)
      }),
      { numRuns: 3000 },
    )
  })
})

/** Any error but a SignatureError is a bug, and is thrown. */
function outcomeOf(request: RawRequest): 'accepted' | 'anonymous' | 'refused' {
  try {
    return verifyRequest(request, options) === null ? 'anonymous' : 'accepted'
  } catch (error) {
    if (error instanceof SignatureError) return 'refused'
    throw error
  }
}
