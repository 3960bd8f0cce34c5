/** The last requests of both apps, in memory, for whoever watches them as they happen. */

/** Why a request was refused: the code and words of its answer. */
export type Refusal = { code: string; message: string }

export type LoggedRequest = {
  /** Counts up by one, from 1. */
  readonly seq: number
  readonly app: 'api' | 'objects'
  /** When it began, in milliseconds since 1970. */
  readonly at: number
  readonly method: string
  /** As on the wire, signature and all: to be masked before anyone sees it. */
  readonly target: string
  /** null where the client had gone before an answer. */
  readonly status: number | null
  readonly ms: number
  /** Bytes of the body that the request was about: sent by a write, read by a GET; null where nobody said. */
  readonly size: number | null
  readonly aborted: boolean
  readonly requestId: string
  /** Who proved to be asking; null for a URL that the gateway signed, and for nobody. */
  readonly user: string | null
  readonly bucket: string | null
  readonly key: string | null
  readonly refusal: Refusal | null
  /** Name, value, name, value …: of the last refusals alone, null when more have come since. Not masked. */
  rawHeaders: readonly string[] | null
}

export type RequestLog = {
  push(entry: Omit<LoggedRequest, 'seq'>): void
  /** What came after `seq`, oldest first, at most `limit`; `missed` counts what is not kept any more. */
  since(seq: number, limit: number): { requests: LoggedRequest[]; missed: number }
  /** `wake` is called with each request and must do next to nothing; `end` when the gateway stops. Returns how to leave. */
  watch(listener: { wake: () => void; end: () => void }): () => void
  /** Ends the watching. What comes later is still kept. */
  close(): void
}

/** Targets and header names of clients may be long: beyond this a target is cut, so that the ring stays small. */
export const maxTarget = 4096

/** Constant memory: the last `capacity` requests, and the headers of the last `evidence` refusals. */
export function createRequestLog({ capacity = 1000, evidence = 100 } = {}): RequestLog {
  const ring: LoggedRequest[] = []
  const refused: LoggedRequest[] = []
  const listeners = new Set<{ wake: () => void; end: () => void }>()
  let last = 0
  let refusals = 0

  return {
    push(entry) {
      last += 1
      const kept: LoggedRequest = { ...entry, target: shortened(entry.target), seq: last }
      ring[last % capacity] = kept
      if (kept.rawHeaders !== null) {
        const place = refusals++ % evidence
        const oldest = refused[place]
        if (oldest) oldest.rawHeaders = null
        refused[place] = kept
      }
      for (const { wake } of listeners) wake()
    },
    since(seq, limit) {
      const first = Math.max(seq + 1, last - capacity + 1, 1)
      const requests: LoggedRequest[] = []
      for (let at = first; at <= last && requests.length < limit; at++) requests.push(ring[at % capacity]!)
      return { requests, missed: Math.max(0, first - seq - 1) }
    },
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      for (const { end } of listeners) end()
      listeners.clear()
    },
  }
}

/** A slice would keep the whole text alive. */
const shortened = (target: string): string =>
  target.length <= maxTarget ? target : Buffer.from(target.slice(0, maxTarget), 'latin1').toString('latin1')
