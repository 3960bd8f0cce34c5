/** Signed and sent values next to each other, in canonical order. Marks the first difference. */
import { Equal, EqualNot } from 'lucide-react'
import type { Explanation, SignedRow } from '../../../api/contract.ts'

const parts: Record<SignedRow['part'], string> = {
  method: 'Method',
  host: 'Host',
  path: 'Path',
  parameter: 'Parameter',
  header: 'Header',
  payload: 'Body',
}

export function SignedTable({ explanation: { rows } }: { explanation: Explanation }) {
  const isKnown = rows.some(({ signed }) => signed !== null)
  const first = isKnown ? rows.findIndex(({ same }) => !same) : -1
  const table = <Table rows={rows} isKnown={isKnown} first={first} />
  if (!isKnown)
    return (
      <>
        <h3>What was sent</h3>
        <p className="quiet">No similar request produces this signature, so the signed values are not known.</p>
        {table}
      </>
    )
  if (first >= 0)
    return (
      <>
        <h3>Signed and sent</h3>
        {table}
      </>
    )
  return (
    <details className="signed-same">
      <summary>Signed and sent values are equal</summary>
      {table}
    </details>
  )
}

function Table({ rows, isKnown, first }: { rows: SignedRow[]; isKnown: boolean; first: number }) {
  return (
    <table className="signed" aria-label={isKnown ? 'Signed and sent' : 'What was sent'}>
      <thead>
        <tr>
          <th scope="col">Part</th>
          {isKnown && <th scope="col">Signed</th>}
          <th scope="col">Sent</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, i) => (
          <tr key={`${row.part} ${row.name}`} data-same={isKnown ? row.same : undefined} data-first={i === first}>
            <th scope="row">
              <span className="signed-part">
                {isKnown && (row.same ? <Equal /> : <EqualNot />)}
                <span>
                  {i === first && <b className="signed-mark">First difference</b>}
                  <span className={row.name === null ? undefined : 'visually-hidden'}>{parts[row.part]} </span>
                  {row.name !== null && <span className="mono">{row.name}</span>}
                  {isKnown && !row.same && <span className="visually-hidden">, differs</span>}
                </span>
              </span>
            </th>
            {isKnown && (
              <td data-label="Signed">
                <Value text={row.signed} other={row.same ? row.signed : row.sent} />
              </td>
            )}
            <td data-label="Sent">
              <Value text={row.sent} other={row.same || !isKnown ? row.sent : row.signed} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Marks the part of the text between the prefix and the suffix that both values share. */
function Value({ text, other }: { text: string | null; other: string | null }) {
  if (text === null) return <span className="quiet">missing</span>
  if (text === '') return <span className="quiet">empty</span>
  if (text === other) return <code>{text}</code>
  if (other === null)
    return (
      <code>
        <mark>{text}</mark>
      </code>
    )
  const head = shared(text, other)
  const end = sharedEnd(text.slice(head), other.slice(head))
  const middle = text.slice(head, text.length - end)
  return (
    <code>
      {text.slice(0, head)}
      {middle && <mark>{middle}</mark>}
      {text.slice(text.length - end)}
    </code>
  )
}

function shared(a: string, b: string): number {
  let at = 0
  while (at < a.length && at < b.length && a[at] === b[at]) at++
  return at
}

function sharedEnd(a: string, b: string): number {
  let count = 0
  while (count < a.length && count < b.length && a.at(-1 - count) === b.at(-1 - count)) count++
  return count
}
