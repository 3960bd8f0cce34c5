/** Single changes to a signed request, and the meaning of a request for its reader. */
import * as fc from 'fast-check'
import { decodeComponent, parseQuery, splitTarget } from '../../src/sigv4/encode.ts'
import type { RawRequest, VerifyOptions } from '../../src/sigv4/types.ts'
import { verifyRequest } from '../../src/sigv4/verify-request.ts'

const char = fc.constantFrom(...'abcxyzABCXYZ019-_.~/%?&=#+;:,@! ', '\u00fc')
export const splice = fc.record({
  at: fc.nat(),
  remove: fc.nat({ max: 2 }),
  insert: fc.array(char, { maxLength: 2 }),
})
export type Splice = { at: number; remove: number; insert: string[] }

export const cut = (text: string, { at, remove, insert }: Splice): string => {
  const from = at % (text.length + 1)
  return text.slice(0, from) + insert.join('') + text.slice(from + remove)
}

export type Mutation = (request: RawRequest) => RawRequest

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
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
export const meaning = (request: RawRequest): string => {
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

/** Whether nothing but headers differs that the signature of `before` leaves open. */
export function unsignedHeaderOnly(before: RawRequest, after: RawRequest, options: VerifyOptions): boolean {
  const { signedHeaders } = verifyRequest(before, options)!
  const signedPart = (request: RawRequest): RawRequest => ({
    ...request,
    rawHeaders: request.rawHeaders.flatMap((text, i) => {
      const name = (i % 2 === 0 ? text : request.rawHeaders[i - 1]!).toLowerCase()
      return name === 'authorization' || name.startsWith('x-amz-') || signedHeaders.has(name) ? [text] : []
    }),
  })
  return meaning(signedPart(before)) === meaning(signedPart(after))
}
