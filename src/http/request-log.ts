/** The last requests of both apps, in memory, for whoever watches them as they happen. */
import { randomBytes } from 'node:crypto'
import type { RequestEvent } from './request-event.ts'

export type LoggedRequest = Omit<RequestEvent, 'rawHeaders'> & {
  /** Identifies the process that answered, and tells it from the one before it. */
  readonly run: string
  /** Counts up by one, from 1, in each process. */
  readonly seq: number
  /** Only the most recent refusals keep theirs. Not masked. */
  rawHeaders: readonly string[] | null
}

/** What one process has answered. */
export type RequestSource = {
  readonly run: string
  /** What came after `seq`, oldest first, at most `limit`; `missed` counts what is not kept any more. */
  since(seq: number, limit: number): { requests: LoggedRequest[]; missed: number }
}

export type RequestLog = {
  push(event: RequestEvent): void
  /** Of this process, and of the others that it hears of while somebody watches. */
  sources(): readonly RequestSource[]
  /** `wake` is called when there is more and must do next to nothing; `end` when the gateway stops. Returns how to leave. */
  watch(listener: Listener): () => void
  /** Resolves when `sources` are all there are, or one of them is silent; to be asked by who watches. */
  whenComplete(): Promise<void>
  /** Ends the watching. What comes later is still kept. */
  close(): void
}

type Listener = { wake: () => void; end: () => void }

export type OwnRequestLog = RequestLog & RequestSource & { last(): number }

/** Targets and header names of clients may be long: beyond this a target is cut, so that the ring stays small. */
export const maxTarget = 4096

/** Constant memory: the last `capacity` requests, and the headers of the last `evidence` refusals. */
export type RingSize = { capacity: number; evidence: number }

/** The requests of one process; numbers may be left out. */
export function createRequestRing(run: string, { capacity, evidence }: RingSize) {
  const ring: LoggedRequest[] = []
  const refused: LoggedRequest[] = []
  let last = 0
  let refusals = 0

  return {
    run,
    last: () => last,
    /** `seq` must be above all before. */
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

/** Requests nobody looks for: they would push out those that somebody does. */
const isNoise = ({ app, target }: RequestEvent): boolean =>
  app === 'api' && /^\/(?:healthz|readyz|metrics|assets\/|console\/|favicon|$|[?])/.test(target)

export function createRequestLog({ capacity = 1000, evidence = 100 } = {}): OwnRequestLog {
  // Tells the numbers of this process from those of the one before it.
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

/** A slice would keep the whole text alive. */
const shortened = (target: string): string =>
  target.length <= maxTarget ? target : Buffer.from(target.slice(0, maxTarget), 'latin1').toString('latin1')
