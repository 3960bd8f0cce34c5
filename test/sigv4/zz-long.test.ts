/** Whatever is changed in a request that verifies, it verifies no more. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeComponent, hasMalformedEncoding, parseQuery, splitTarget } from '../../src/sigv4/encode.ts'
import { presign } from '../../src/sigv4/presign.ts'
import { SignatureError, type RawRequest } from '../../src/sigv4/types.ts'
import { verifyRequest } from '../../src/sigv4/verify-request.ts'
import { arrives, credentials, now, options, signedRequest, temporary } from './fixtures.ts'

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

const char = fc.constantFrom(...'abcxyzABCXYZ019-_.~/%?&=#+;:,@! ', '\u00fc')
const splice = fc.record({ at: fc.nat(), remove: fc.nat({ max: 2 }), insert: fc.array(char, { maxLength: 2 }) })
type Splice = { at: number; remove: number; insert: string[] }
const cut = (text: string, { at, remove, insert }: Splice): string => {
  const from = at % (text.length + 1)
  return text.slice(0, from) + insert.join('') + text.slice(from + remove)
}

const isSigned = (request: RawRequest, name: string): boolean =>
  verifyRequest(request, options)!.signedHeaders.has(name)

type Mutation = (request: RawRequest) => RawRequest

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE', 'put').map((method): Mutation => (r) => ({ ...r, method })),
  {
    weight: 5,
    arbitrary: splice.map((s): Mutation => (r) => ({ ...r, target: cut(r.target, s) })),
  },
  {
    weight: 5,
    arbitrary: fc.record({ index: fc.nat(), s: splice }).map(({ index, s }): Mutation => (r) => {
      const i = (index % (r.rawHeaders.length / 2)) * 2 + 1
      return { ...r, rawHeaders: r.rawHeaders.with(i, cut(r.rawHeaders[i]!, s)) }
    }),
  },
  fc.nat().map((index): Mutation => (r) => {
    const i = (index % (r.rawHeaders.length / 2)) * 2
    return { ...r, rawHeaders: r.rawHeaders.toSpliced(i, 2) }
  }),
  fc.constantFrom('x-amz-copy-source', 'X-Amz-Tagging', 'x-amz-meta-new', 'host').map((name): Mutation => (r) => ({
    ...r,
    rawHeaders: [...r.rawHeaders, name, 'x'],
  })),
)

/** What a request means: the reading of a path, of parameters and of headers that every operation uses. */
const meaning = (request: RawRequest): string => {
  const { path, query } = splitTarget(request.target)
  const sent = new Map<string, string[]>()
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]!.toLowerCase()
    const value =
      name === 'authorization' ? request.rawHeaders[i + 1]!.replace(/\s*,\s*/g, ',') : request.rawHeaders[i + 1]!
    sent.set(name, [...(sent.get(name) ?? []), value.replace(/[ \t]+/g, ' ').trim()])
  }
  const parameters = parseQuery(query)
    .map(({ name, value }) => `${name}=${value}`)
    .toSorted()
  return JSON.stringify([request.method, decodeComponent(path), parameters, [...sent]])
}

describe.each([
  ['presigned', presigned],
  ['with an Authorization header', authorized],
])('a request %s', (_, requests) => {
  it('verifies until anything of it is changed', () => {
    fc.assert(
      fc.property(requests, mutation, (request, mutate) => {
        expect(verifyRequest(request, options)).not.toBeNull()
        const mutated = mutate(request)
        fc.pre(hasMalformedEncoding(mutated.target) || meaning(mutated) !== meaning(request))
        // What is left may be an anonymous request, and that may do nothing but read what is public.
        const outcome = outcomeOf(mutated)
        expect(outcome === 'accepted' && !unsignedHeaderOnly(request, mutated)).toBe(false)
      }),
      { numRuns: 200000 },
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

/** Whether nothing but headers differs that the signature leaves open. */
function unsignedHeaderOnly(before: RawRequest, after: RawRequest): boolean {
  const signedPart = (request: RawRequest): RawRequest => ({
    ...request,
    rawHeaders: request.rawHeaders.flatMap((text, i) => {
      const name = (i % 2 === 0 ? text : request.rawHeaders[i - 1]!).toLowerCase()
      return name === 'authorization' || name.startsWith('x-amz-') || isSigned(before, name) ? [text] : []
    }),
  })
  return meaning(signedPart(before)) === meaning(signedPart(after))
}
