/** Request records as `GET /console/log` returns them. */

import type { EntryRefusal, LogEntry as ServedEntry } from '../../../api/contract.ts'

/** Also a bucket's response to this page, which the server never saw: `store`, without advice and explanation. */
export type LogEntry = Omit<ServedEntry, 'app' | 'ms' | 'refusal'> & {
  app: ServedEntry['app'] | 'store'
  ms: number | null
  refusal: (Omit<EntryRefusal, 'advice'> & { advice: string | null }) | null
}

/** The key of the request, or its path if there is no key. */
export const subjectOf = ({ key, path }: LogEntry): string => key ?? path

export const isTrouble = ({ outcome }: LogEntry): boolean => outcome === 'refused' || outcome === 'failed'

const words = { ok: 'ok', refused: 'refused', failed: 'failed', aborted: 'aborted' } as const

/** `200 ok`, `403 SignatureDoesNotMatch`, `aborted`. */
export function formatOutcome({ outcome, status, refusal }: LogEntry): string {
  const what = refusal?.code ?? words[outcome]
  return status === null ? what : `${status} ${what}`
}

export type Kind = 'all' | 'trouble' | 'objects' | 'api'

export const kinds: Record<Kind, string> = { all: 'All', trouble: 'Refused', objects: 'Objects', api: 'API' }

function isOfKind(entry: LogEntry, kind: Kind): boolean {
  if (kind === 'all') return true
  if (kind === 'trouble') return isTrouble(entry)
  return kind === 'api' ? entry.app === 'api' : entry.app !== 'api'
}

/** Whether the entry contains every word of `text`. */
export function matches(entry: LogEntry, kind: Kind, text: string): boolean {
  if (!isOfKind(entry, kind)) return false
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (wanted.length === 0) return true
  const { method, target, key, user, keyOwner, requestId } = entry
  const all = [method, target, key, user, keyOwner, requestId, formatOutcome(entry)].join(' ').toLowerCase()
  return wanted.every((word) => all.includes(word))
}

const timeOfDay = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
})
/** `14:05:09.250` */
export const formatTime = (iso: string): string => timeOfDay.format(new Date(iso))

/** `3.2 ms`, `412 ms`, `2.4 s` */
export function formatTook(ms: number | null): string {
  if (ms === null) return ''
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
