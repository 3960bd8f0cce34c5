import type { Difference } from './explanation.ts'
import type { Original, Pair } from './original.ts'
import { shown } from './read-claims.ts'

/** One difference that may exist between the request and the signed original. */
export type Change = {
  difference: Difference
  undo(sent: Original): Original
}

type Words = Pick<Difference, 'message' | 'advice'>
type About = Partial<Pick<Difference, 'name' | 'signed' | 'sent'>>

export function change(code: Difference['code'], about: About, words: Words, undo: Change['undo']): Change {
  const { name = null, signed = null, sent = null } = about
  return { difference: { code, name, signed, sent, certain: true, ...words }, undo }
}

export const inText = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8')

export const withHeader =
  (name: string, value: string | null): Change['undo'] =>
  (sent) => ({
    ...sent,
    headers: sent.headers.map((pair) => (pair[0] === name ? [name, value] : pair)),
  })

export const withQuery =
  (edit: (query: readonly Pair[]) => readonly Pair[]): Change['undo'] =>
  (sent) => ({ ...sent, query: edit(sent.query) })

export const decoded = (encoded: string): string => {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

/** An encoded parameter, decoded for display. */
export const readable = ([name, value]: Pair): string => shown(decoded(name), decoded(value))
