/**
 * Collects the requests that all workers answered, for viewers connected to one of them. Each worker keeps its own
 * requests and returns new ones on request. Without viewers nothing is sent.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { question, type Peers } from '../drivers/peers.ts'
import { createRequestRing, type LoggedRequest, type OwnRequestLog, type RequestLog } from '../http/request-log.ts'

/**
 * Milliseconds between two polls. Also the time after which a worker that does not respond no longer delays the
 * others' requests.
 */
const askEvery = 200
const patience = 1000
/**
 * Milliseconds for which the others' requests are kept after the last viewer leaves, because a page reload
 * reconnects.
 */
const keepFor = 60_000

type Ring = ReturnType<typeof createRequestRing>
type Part = { run: string; requests: LoggedRequest[] }
/** The number of the last known request, by run. */
type Known = { [run: string]: number }

const newRequests = question<Known, Part>('requests')

export function gatherRequests(
  own: OwnRequestLog,
  peers: Peers,
  o: { every?: number; patience?: number } = {},
): RequestLog {
  const others = peers.count - 1
  // Divided among the other workers, so that the total memory of a process is bounded.
  const size = { capacity: share(1000, others), evidence: share(100, others) }
  const rings = new Map<string, Ring>()
  const listeners = new Set<{ wake: () => void; end: () => void }>()
  let watching: AbortController | null = null
  let complete = Promise.withResolvers<void>()
  let forgetting: NodeJS.Timeout | undefined
  let hasNews = false

  peers.answer(newRequests, (known) => {
    const seq = Math.max(known[own.run] ?? 0, own.last() - size.capacity)
    return { run: own.run, requests: own.since(seq, size.capacity).requests }
  })
  // Not forwarded at once, because earlier requests of other workers arrive with the next poll.
  own.watch({ wake: () => (hasNews = true), end: () => {} })

  function take({ run, requests }: Part): void {
    const ring = rings.get(run) ?? createRequestRing(run, size)
    rings.set(run, ring)
    for (const request of requests) {
      // A viewer that reconnects may cause a second poll.
      if (request.seq <= ring.last()) continue
      ring.put(request)
      hasNews = true
    }
  }

  async function ask(): Promise<void> {
    const known: Known = Object.fromEntries([...rings].map(([run, ring]) => [run, ring.last()]))
    const parts = await peers.ask(newRequests, known)
    const alive = new Set(parts.map(({ run }) => run))
    for (const run of rings.keys()) if (!alive.has(run)) rings.delete(run)
    for (const part of parts) take(part)
  }

  function notify(): void {
    complete.resolve()
    if (!hasNews) return
    hasNews = false
    for (const { wake } of listeners) wake()
  }

  async function keepAsking(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const meanwhile = setInterval(notify, o.patience ?? patience)
      // A worker that did not respond is polled again. Its requests are not lost.
      await ask().catch(() => {})
      clearInterval(meanwhile)
      if (stopped.aborted) return
      notify()
      await sleep(o.every ?? askEvery, undefined, { signal: stopped }).catch(() => {})
    }
  }

  function rest(): void {
    watching?.abort()
    watching = null
    forgetting = setTimeout(() => rings.clear(), keepFor).unref()
  }

  return {
    push: (entry) => own.push(entry),
    sources: () => [own, ...rings.values()],
    watch(listener) {
      listeners.add(listener)
      if (watching === null) {
        clearTimeout(forgetting)
        watching = new AbortController()
        complete = Promise.withResolvers()
        void keepAsking(watching.signal)
      }
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && watching !== null) rest()
      }
    },
    whenComplete: () => complete.promise,
    close() {
      for (const { end } of listeners) end()
      listeners.clear()
      complete.resolve()
      if (watching !== null) rest()
    },
  }
}

const share = (whole: number, among: number): number => Math.max(Math.ceil(whole / among), Math.ceil(whole / 10))
