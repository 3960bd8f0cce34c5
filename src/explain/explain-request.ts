import type { KeyRing, RawRequest } from '../sigv4/types.ts'
import { acceptable, readable } from './check-claims.ts'
import { decodeClaims } from './decode-url.ts'
import type { Difference, Explanation } from './explanation.ts'
import { findOriginal } from './find-original.ts'
import { createSignatures, sentRequest, type Original } from './original.ts'
import { readClaims, shown } from './read-claims.ts'
import { signedRows } from './rows.ts'

export type ExplainOptions = {
  /** The endpoint's region. null if unknown, which matches any region. */
  region: string | null
  /** null if there is no secret to check with. */
  keys: KeyRing | null
  now: Date
  /** Other names of the endpoint in a Host header, e.g. the host of its public URL. */
  hosts?: readonly string[]
}

/** Maximum signatures computed per explanation, and maximum headers and parameters read for them. */
const budget = 200
const piecesRead = 8000

/**
 * Explains why a signed request was refused: what was signed, what was sent, and what to do. Only the signature and
 * the request are known, so plausible originals are tried until one reproduces the signature. The change is then
 * certain. Takes a few milliseconds at most. Never throws.
 */
export function explainRequest(request: RawRequest, o: ExplainOptions): Explanation {
  const claims = readClaims(request)
  const decoded = decodeClaims(claims, o.now)
  const unreadable = firstOf(readable.map((check) => check(claims, o)))
  if (unreadable) return { outcome: 'refused', decoded, difference: unreadable, also: [], rows: [], tried: 0 }

  const before = acceptable.map((check) => check(claims, o)).filter((difference) => difference !== null)
  const sent = sentRequest(claims)
  const key = o.keys?.find(claims.credential!.accessKeyId)
  if (key === undefined) {
    const [difference = null, ...also] = before
    const outcome = difference === null ? 'unchecked' : 'refused'
    return { outcome, decoded, difference, also, rows: signedRows(sent, null), tried: 0 }
  }
  const pieces = sent.query.length + sent.headers.length
  const signatures = createSignatures(claims, key, Math.min(budget, Math.ceil(piecesRead / pieces)))
  const found = signatures.cover(sent)
    ? { original: sent, differences: [] }
    : findOriginal(sent, claims, signatures, o.hosts ?? [])
  const all = [...before, ...(found?.differences ?? [notFound(sent)])]
  const [difference = null, ...also] = withoutDuplicates(all)
  return {
    outcome: difference === null ? 'valid' : 'refused',
    decoded,
    difference,
    also,
    rows: signedRows(sent, found?.original ?? null),
    tried: signatures.tried,
  }
}

const firstOf = (differences: readonly (Difference | null)[]): Difference | undefined =>
  differences.find((difference) => difference !== null)

/** Reports a URL with an extended lifetime only once. */
const withoutDuplicates = (all: readonly Difference[]): Difference[] =>
  all.filter(
    (difference, i) => all.findIndex(({ code, name }) => code === difference.code && name === difference.name) === i,
  )

function notFound(sent: Original): Difference {
  const absent = sent.headers.find(([, value]) => value === null)
  if (absent) {
    return {
      code: 'HeaderMissing',
      name: absent[0],
      signed: null,
      sent: null,
      certain: true,
      message: `The header ${absent[0]} was signed but not sent.`,
      advice: 'Send every header that was issued with the URL, with its issued value.',
    }
  }
  const bound = sent.headers.filter(([name]) => name !== 'host').toSorted(([a], [b]) => openness(b) - openness(a))
  const suspects = bound.map(([name, value]) => `${name} (sent as "${shown(name, value ?? '')}")`).join(', ')
  return {
    code: 'NoOriginalFound',
    name: bound[0]?.[0] ?? null,
    signed: null,
    sent: null,
    certain: false,
    message: 'The signature covers a different request, or was created with another secret.',
    advice:
      (bound.length > 0
        ? `Compare the issued request with the sent one. Start with ${suspects}, then compare the URL `
        : 'Compare the URL with the issued one ') +
      'byte for byte. If nothing differs, the secret of the key is not the one that signed.',
  }
}

/** Ranks headers. Values of a higher rank are harder to guess. */
const openness = (name: string): number => (/^content-(length|md5)$|checksum|^x-amz-meta-/.test(name) ? 1 : 0)
