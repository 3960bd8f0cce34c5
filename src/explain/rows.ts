import { decoded, inText } from './change.ts'
import type { SignedRow } from './explanation.ts'
import type { Original } from './original.ts'
import { shown } from './read-claims.ts'

/** Signed and sent values, in the order of the canonical request. `signed` is null if no original was found. */
export function signedRows(sent: Original, signed: Original | null): SignedRow[] {
  type Side = (o: Original) => string | null
  const row = (part: SignedRow['part'], name: string | null, of: Side): SignedRow => {
    const [x, y] = [signed && of(signed), of(sent)]
    const show = (value: string | null): string | null => (value === null ? null : inText(shown(name ?? '', value)))
    return { part, name, signed: show(x), sent: show(y), same: signed !== null && x === y }
  }
  // Each side is collected once, because a request may have thousands of parameters.
  const values = new Map([sent, ...(signed ? [signed] : [])].map((o) => [o, valuesOf(o)]))
  const names = new Set([...values.values()].flatMap(({ query }) => [...query.keys()]))
  const parameters = [...names]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) =>
      row('parameter', decoded(name), (o) => values.get(o)?.query.get(name)?.toSorted().join(', ') ?? null),
    )
  const headers = sent.headers.map(([name]) =>
    row(name === 'host' ? 'host' : 'header', name, (o) => values.get(o)?.headers.get(name) ?? null),
  )
  return [
    row('method', null, (o) => o.method),
    row('path', null, (o) => o.path),
    ...parameters,
    ...headers,
    row('payload', null, (o) => o.payload),
  ]
}

type Values = { query: ReadonlyMap<string, string[]>; headers: ReadonlyMap<string, string | null> }

function valuesOf({ query, headers }: Original): Values {
  const parameters = new Map<string, string[]>()
  for (const [name, value] of query) {
    const before = parameters.get(name)
    if (before) before.push(value)
    else parameters.set(name, [value])
  }
  return { query: parameters, headers: new Map(headers) }
}
