import { canonicalQuery } from '../sigv4/encode.ts'
import { change, decoded, readable, withQuery, type Change } from './change.ts'
import { pairsOf, type Original, type Pair } from './original.ts'
import { isClaim, type Claims } from './read-claims.ts'

/** Parameters that were added, removed or rewritten after signing. */
export function plausibleQueries(sent: Original, claims: Claims): Change[] {
  const free = sent.query.filter(([name]) => !isClaim(decoded(name)))
  return [...appended(free), ...removed(sent), ...plusForSpace(claims), ...rewritten(free), ...ofTheSignature(sent)]
}

/** Added parameters: each one, all of them, and those that trackers add. */
function appended(free: readonly Pair[]): Change[] {
  const gone = (pairs: readonly Pair[]): Change => {
    const names = pairs.map(([name]) => decoded(name)).join(', ')
    return change(
      'ParameterAdded',
      { name: names, sent: pairs.map(readable).join(', ') },
      {
        message: `${pairs.length > 1 ? 'The parameters' : 'The parameter'} ${names} ${pairs.length > 1 ? 'were' : 'was'} added after signing.`,
        advice: adviceOnAdded(names),
      },
      withQuery((query) =>
        query.filter((pair) => !pairs.some((other) => other[0] === pair[0] && other[1] === pair[1])),
      ),
    )
  }
  const tracking = free.filter(([name]) => /^(utm_|fbclid$|gclid$|msclkid$|_$|t$|v$|cb$|ts$)/.test(name))
  const single = free.slice(0, 16).map((pair) => gone([pair]))
  const several = [tracking, free].filter((pairs) => pairs.length > 1).map(gone)
  return [...single, ...several]
}

const adviceOnAdded = (names: string): string =>
  /response-/.test(names)
    ? 'Request the URL with the wanted disposition or type (download-url?disposition=attachment). It cannot be changed afterwards.'
    : 'Use the URL as it was issued. Every parameter is signed, so none can be added.'

const expected: Readonly<Record<string, readonly Pair[]>> = {
  GET: [
    ['x-id', 'GetObject'],
    ['response-content-disposition', 'attachment'],
    ['response-content-disposition', 'inline'],
    ['versionId', 'null'],
  ],
  PUT: [
    ['x-id', 'PutObject'],
    ['x-id', 'UploadPart'],
  ],
  HEAD: [['x-id', 'HeadObject']],
  DELETE: [['x-id', 'DeleteObject']],
}

/** Removed parameters. */
function removed(sent: Original): Change[] {
  const lost = [
    ...(expected[sent.method] ?? []),
    ['X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD'] as const,
    ['x-amz-checksum-mode', 'ENABLED'] as const,
  ]
  return lost
    .filter(([name]) => !sent.query.some((pair) => pair[0] === name))
    .map((pair) =>
      change(
        'ParameterRemoved',
        { name: pair[0], signed: pair[1] },
        {
          message: `The parameter ${pair[0]}=${pair[1]} was signed but is missing.`,
          advice: 'Use the URL as it was issued. Some proxies and CDNs remove query parameters.',
        },
        withQuery((query) => [...query, pair]),
      ),
    )
}

/** A raw `+`, which forms and URLSearchParams write for a space but the signature reads as a plus. */
function plusForSpace({ query, parameters }: Claims): Change[] {
  if (!query.includes('+')) return []
  const names = parameters.filter(({ value }) => value.includes('+')).map(({ name }) => name)
  const about = { name: names.join(', '), signed: '%20', sent: '+' }
  const words = {
    message: `A space in ${names.join(', ')} was signed as %20 but sent as "+".`,
    advice: 'Write %20. In a signed query "+" is a plus.',
  }
  const signed = pairsOf(canonicalQuery(query.replaceAll('+', '%20'), 'X-Amz-Signature'))
  return [
    change(
      'ParameterChanged',
      about,
      words,
      withQuery(() => signed),
    ),
  ]
}

const rewritings: readonly { value: (encoded: string) => string; advice: string }[] = [
  { value: (text) => text.replaceAll('%20', '%2B'), advice: 'A "+" was read as a space. Write %2B.' },
  {
    value: (text) => text.replaceAll(/%25(?=[0-9A-F]{2})/g, '%'),
    advice: 'The URL was encoded twice. Use it as it was issued.',
  },
  {
    value: (text) => text.replaceAll('%', '%25'),
    advice: 'The URL was decoded once too often. Use it as it was issued.',
  },
]

function rewritten(free: readonly Pair[]): Change[] {
  return free.slice(0, 8).flatMap((pair) =>
    rewritings.flatMap(({ value, advice }) => {
      const signed = value(pair[1])
      return signed === pair[1] ? [] : [valueChange(pair, signed, advice)]
    }),
  )
}

function valueChange(pair: Pair, signed: string, advice: string): Change {
  const [name, sent] = pair
  const texts = { signed: readable([name, signed]), sent: readable(pair) }
  return change(
    'ParameterChanged',
    { name: decoded(name), ...texts },
    { message: `The parameter ${decoded(name)} was signed as "${texts.signed}" but sent as "${texts.sent}".`, advice },
    withQuery((query) => query.map((other) => (other[0] === name && other[1] === sent ? [name, signed] : other))),
  )
}

const lifetimes = [
  60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 28_800, 43_200, 86_400, 172_800, 259_200,
  432_000, 604_800,
]

/** An extended lifetime. */
function ofTheSignature(sent: Original): Change[] {
  const expires = sent.query.find(([name]) => name === 'X-Amz-Expires')
  if (expires === undefined) return []
  return lifetimes
    .filter((seconds) => String(seconds) !== expires[1])
    .map((seconds) =>
      valueChange(expires, String(seconds), 'The lifetime of a URL is signed. Request one with another expiresIn.'),
    )
}
