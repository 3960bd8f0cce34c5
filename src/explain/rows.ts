import { decoded, inText } from './change.ts'
import type { SignedRow } from './explanation.ts'
import type { Original } from './original.ts'
import { shown } from './read-claims.ts'

/** Side by side, in the order of the canonical request. `signed` is null where no original was found. */
export function signedRows(sent: Original, signed: Original | null): SignedRow[] {
  const row = (part: SignedRow['part'], name: string | null, of: (o: Original) => string | null): SignedRow => {
    const [x, y] = [signed && of(signed), of(sent)]
    const show = (value: string | null): string | null => (value === null ? null : inText(shown(name ?? '', value)))
    return { part, name, signed: show(x), sent: show(y), same: signed !== null && x === y }
  }
  const names = new Set([...sent.query, ...(signed?.query ?? [])].map(([name]) => name))
  const parameters = [...names]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) =>
      row('parameter', decoded(name), ({ query }) => {
        const values = query.filter((pair) => pair[0] === name).map((pair) => pair[1])
        return values.length === 0 ? null : values.toSorted().join(', ')
      }),
    )
  const headers = sent.headers.map(([name]) =>
    row(name === 'host' ? 'host' : 'header', name, (o) => o.headers.find((pair) => pair[0] === name)?.[1] ?? null),
  )
  return [
    row('method', null, (o) => o.method),
    row('path', null, (o) => o.path),
    ...parameters,
    ...headers,
    row('payload', null, (o) => o.payload),
  ]
}
