import { canonicalRequest } from '../sigv4/canonical-request.ts'
import { joinSorted } from '../sigv4/encode.ts'
import type { RawRequest } from '../sigv4/types.ts'
import { sentRequest } from './original.ts'
import { readClaims } from './read-claims.ts'
import { readable } from './check-claims.ts'

/**
 * The first line where a store's canonical request, from its response, differs from what was sent. null if they
 * agree.
 */
export type SeenOtherwise = { line: number; sent: string; seen: string }

/** `seen` is the CanonicalRequest of a SignatureDoesNotMatch response. null also for an unreadable request. */
export function compareCanonical(request: RawRequest, seen: string): SeenOtherwise | null {
  const claims = readClaims(request)
  if (readable.some((check) => check(claims, { region: null, keys: null, now: new Date(0) }))) return null
  const sent = sentRequest(claims)
  const ours = canonicalRequest({
    ...sent,
    query: joinSorted(sent.query.map(([name, value]) => [name, value])),
    headers: sent.headers.map(([name, value]) => [name, value ?? '']),
  }).split('\n')
  const theirs = seen.replaceAll('\r\n', '\n').trimEnd().split('\n')
  const line = ours.findIndex((text, i) => text !== theirs[i])
  return line === -1 ? null : { line: line + 1, sent: ours[line]!, seen: theirs[line] ?? '' }
}
