/** What the server counts about itself, in the Prometheus text format. */
import type { RequestEvent } from '../http/request-event.ts'
import type { Peers } from '../drivers/peers.ts'
import type { Figures, Registered } from './registry.ts'

export type MeasuredRequest = Pick<
  RequestEvent,
  'app' | 'operation' | 'method' | 'status' | 'outcome' | 'ms' | 'received' | 'sent' | 'refusal'
>

/** A figure that is read when somebody asks for it. */
export type Gauge = {
  name: string
  help: string
  /** The label whose values `read` tells apart. */
  label?: string
  /** A failure leaves the figure out. */
  read: () => Promise<number | Readonly<Record<string, number>>>
}

/** A count that each process keeps by itself; it never goes down. */
export type ProcessCount = {
  name: string
  help: string
  label: string
  read: () => Promise<Readonly<Record<string, number>>>
}

export type Metrics = {
  observe(request: MeasuredRequest): void
  /** Loads the library; until then requests are noted and counted afterwards. */
  start(): Promise<void>
  /** The exposition text, of all processes together, and its content type. */
  expose(): Promise<{ contentType: string; text: string }>
}

/** Requests noted before the library is there. */
const maxNoted = 10_000

export function createMetrics(gauges: readonly Gauge[], peers: Peers, counts: readonly ProcessCount[] = []): Metrics {
  const noted: MeasuredRequest[] = []
  let count: ((request: MeasuredRequest) => void) | null = null
  let loading: Promise<Registered> | null = null

  // Its start costs more than all else of ours together: not before the first answer.
  const load = (): Promise<Registered> =>
    (loading ??= import('./registry.ts').then(({ createRegistry }) => {
      // What all processes would tell of the same catalog and disk is told once.
      const made = createRegistry(peers.index === 0 ? gauges : [], counts)
      count = made.count
      for (const request of noted.splice(0)) made.count(request)
      return made
    }))

  peers.answer('metrics', async () => (await load()).figures())

  return {
    observe(request) {
      if (count) count(request)
      else if (noted.length < maxNoted) noted.push(request)
    },
    start: async () => void (await load()),
    async expose() {
      const [{ figures, exposition }, others] = await Promise.all([load(), peers.ask<Figures>('metrics')])
      return exposition([await figures(), ...others])
    },
  }
}
