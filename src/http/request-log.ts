/** The most recent requests of both apps, in memory, for live viewers. */
import { randomBytes } from 'node:crypto'
import type { RequestEvent } from './request-event.ts'

export type LoggedRequest = Omit<RequestEvent, 'rawHeaders'> & {
  /** Identifies the process that answered, and distinguishes it from its predecessor. */
  readonly run: string
  /** Increases by one, from 1, in each process. */
  readonly seq: number
  /** Kept only for the most recent refusals. Not masked. */
  rawHeaders: readonly string[] | null
}

/** The requests that one process answered. */
export type RequestSource = {
  readonly run: string
  /** Up to `limit` requests after `seq`, oldest first. `missed` counts requests that are no longer kept. */
  since(seq: number, limit: number): { requests: LoggedRequest[]; missed: number }
}

export type RequestLog = {
  push(event: RequestEvent): void
  /** This process, and the other processes while there are viewers. */
  sources(): readonly RequestSource[]
  /**
   * `wake` is called when there are new requests and must return quickly. `end` is called when the gateway stops.
   * Returns a function that unsubscribes.
   */
  watch(listener: Listener): () => void
  /** Resolves when `sources` is complete or a process does not respond. For viewers. */
  whenComplete(): Promise<void>
  /** Ends all watching. Later requests are still recorded. */
  close(): void
}

type Listener = { wake: () => void; end: () => void }

export type OwnRequestLog = RequestLog & RequestSource & { last(): number }

/** Targets are truncated to this many characters, which bounds the memory of the ring. */
export const maxTarget = 4096

/** Memory is constant: the last `capacity` requests, and the headers of the last `evidence` refusals. */
export type RingSize = { capacity: number; evidence: number }

/** The requests of one process. Numbers may have gaps. */
export function createRequestRing(run: string, { capacity, evidence }: RingSize) {
  const ring: LoggedRequest[] = []
  const refused: LoggedRequest[] = []
  let last = 0
  let refusals = 0

  return {
    run,
    last: () => last,
    /** `seq` must be greater than all previous ones. */
    put(entry: LoggedRequest): void {
      last = entry.seq
      ring[last % capacity] = entry
      if (entry.rawHeaders === null) return
      const place = refusals++ % evidence
      const oldest = refused[place]
      if (oldest) oldest.rawHeaders = null
      refused[place] = entry
    },
    since(seq: number, limit: number): { requests: LoggedRequest[]; missed: number } {
      const first = Math.max(seq + 1, last - capacity + 1, 1)
      const requests: LoggedRequest[] = []
      let missed = Math.max(0, first - seq - 1)
      for (let at = first; at <= last && requests.length < limit; at++) {
        const kept = ring[at % capacity]
        if (kept?.seq === at) requests.push(kept)
        else missed += 1
      }
      return { requests, missed }
    },
  }
}

/** Requests that viewers are not interested in. They would push out others. */
const isNoise = ({ app, target }: RequestEvent): boolean =>
  app === 'api' && /^\/(?:healthz|readyz|metrics|assets\/|console\/|favicon|$|[?])/.test(target)

export function createRequestLog({ capacity = 1000, evidence = 100 } = {}): OwnRequestLog {
  // Distinguishes the numbers of this process from those of its predecessor.
  const ring = createRequestRing(randomBytes(4).toString('hex'), { capacity, evidence })
  const listeners = new Set<Listener>()

  return {
    ...ring,
    push(event) {
      if (isNoise(event)) return
      ring.put({ ...event, target: shortened(event.target), run: ring.run, seq: ring.last() + 1 })
      for (const { wake } of listeners) wake()
    },
    sources: () => [ring],
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    whenComplete: async () => {},
    close() {
      for (const { end } of listeners) end()
      listeners.clear()
    },
  }
}

/** A plain slice would keep the whole string in memory. */
const shortened = (target: string): string =>
  target.length <= maxTarget ? target : Buffer.from(target.slice(0, maxTarget), 'latin1').toString('latin1')
