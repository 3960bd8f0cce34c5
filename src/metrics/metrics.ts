/** The server's metrics in the Prometheus text format. */
import { question, type Peers } from '../drivers/peers.ts'
import type { Figures, Registered, Gauge, MeasuredRequest, ProcessCount } from './registry.ts'

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
