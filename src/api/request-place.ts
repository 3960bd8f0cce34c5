/** A reader's position in the request logs of one or several processes. */
import type { LoggedRequest, RequestSource } from '../http/request-log.ts'

/** The number of the last request read, by process. */
export type Place = Map<string, number>

/** The position as text, `run-seq` per process. Invalid text is the start of the log. */
export const placeText = (place: Place): string => [...place].map(([run, seq]) => `${run}-${seq}`).join('.')

export function parsePlace(text: string): Place {
  if (!/^[0-9a-f]{8}-\d{1,15}(?:\.[0-9a-f]{8}-\d{1,15})*$/.test(text)) return new Map()
  return new Map(
    text.split('.').map((part) => {
      const [run = '', seq] = part.split('-')
      return [run, Number(seq)]
    }),
  )
}

/** Removes processes that no longer exist. Returns whether the position referred to one. */
export function keepRuns(place: Place, sources: readonly RequestSource[]): boolean {
  const runs = new Set(sources.map(({ run }) => run))
  for (const run of place.keys()) if (!runs.has(run)) place.delete(run)
  return place.size > 0
}

/**
 * Up to `limit` requests after `place`, in the order in which they ended. Taking a request advances the position.
 * Requests dropped before the first read of a process do not count as missed.
 */
export function readAfter(
  sources: readonly RequestSource[],
  place: Place,
  limit: number,
): { requests: LoggedRequest[]; missed: number } {
  let missed = 0
  const parts = sources.map((source) => {
    const seq = place.get(source.run) ?? 0
    const part = source.since(seq, limit)
    const first = part.requests[0]
    if (seq > 0) missed += part.missed
    // Report missed requests only once.
    if (seq > 0 && part.missed > 0 && first) place.set(source.run, first.seq - 1)
    return part.requests
  })
  const requests: LoggedRequest[] = []
  const at = parts.map(() => 0)
  while (requests.length < limit) {
    let next = -1
    for (const [i, part] of parts.entries()) {
      const one = part[at[i]!]
      if (one && (next < 0 || endOf(one) < endOf(parts[next]![at[next]!]!))) next = i
    }
    if (next < 0) break
    requests.push(parts[next]![at[next]!++]!)
  }
  return { requests, missed }
}

const endOf = ({ at, ms }: LoggedRequest): number => at + ms
