/** The server's metrics in the Prometheus text format. */
import type { RequestEvent } from '../http/request-event.ts'
import { question, type Peers } from '../drivers/peers.ts'
import type { Figures, Registered } from './registry.ts'

export type MeasuredRequest = Pick<
  RequestEvent,
  'app' | 'operation' | 'method' | 'status' | 'outcome' | 'ms' | 'received' | 'sent' | 'refusal'
>

/** A metric that is computed on each scrape. */
export type Gauge = {
  name: string
  help: string
  /** The label that distinguishes the values of `read`. */
  label?: string
  /** If it fails, the metric is left out. */
  read: () => Promise<number | Readonly<Record<string, number>>>
}

/** A counter per process. It never decreases. */
export type ProcessCount = {
  name: string
  help: string
  label: string
  read: () => Promise<Readonly<Record<string, number>>>
}

export type Metrics = {
  observe(request: MeasuredRequest): void
  /** Loads the library. Requests before that are recorded and counted afterwards. */
  start(): Promise<void>
  /** The exposition text of all processes together, and its content type. */
  expose(): Promise<{ contentType: string; text: string }>
}

const figuresOfProcess = question<void, Figures>('metrics')

/** Requests recorded before the library is loaded. */
const maxNoted = 10_000

export function createMetrics(gauges: readonly Gauge[], peers: Peers, counts: readonly ProcessCount[] = []): Metrics {
  const noted: MeasuredRequest[] = []
  let count: ((request: MeasuredRequest) => void) | null = null
  let loading: Promise<Registered> | null = null

  // Loading it takes longer than the rest of the startup, so it waits for the first response.
  const load = (): Promise<Registered> =>
    (loading ??= import('./registry.ts').then(({ createRegistry }) => {
      // Metrics of the shared catalog and disk are reported by one process only.
      const made = createRegistry(peers.index === 0 ? gauges : [], counts)
      count = made.count
      for (const request of noted.splice(0)) made.count(request)
      return made
    }))

  peers.answer(figuresOfProcess, async () => (await load()).figures())

  return {
    observe(request) {
      if (count) count(request)
      else if (noted.length < maxNoted) noted.push(request)
    },
    start: async () => void (await load()),
    async expose() {
      const [{ figures, exposition }, others] = await Promise.all([load(), peers.ask(figuresOfProcess)])
      return exposition([await figures(), ...others])
    },
  }
}
