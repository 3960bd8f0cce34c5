import prometheus, { type Registry } from 'prom-client'
import type { RequestEvent } from '../http/request-event.ts'

/** A counter per process. It never decreases. */
export type ProcessCount = {
  name: string
  help: string
  label: string
  read: () => Promise<Readonly<Record<string, number>>>
}

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

/** Seconds. From a cached response to an upload of an hour. */
const buckets = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600, 3600]

/** The metrics of one process, as JSON. */
export type Figures = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export type Registered = {
  count: (request: MeasuredRequest) => void
  figures: () => Promise<Figures>
  exposition: (ofProcesses: Figures[]) => Promise<{ contentType: string; text: string }>
}

export function createRegistry(gauges: readonly Gauge[], counts: readonly ProcessCount[] = []): Registered {
  const registry = new prometheus.Registry()
  const registers = [registry]
  prometheus.collectDefaultMetrics({ register: registry })

  const requests = new prometheus.Counter({
    name: 'postern_http_requests_total',
    help: 'Requests by operation and status. Status 0 means that the client disconnected.',
    labelNames: ['app', 'route', 'method', 'status'],
    registers,
  })
  const duration = new prometheus.Histogram({
    name: 'postern_http_request_duration_seconds',
    help: 'Seconds from the request headers to the end of the response.',
    labelNames: ['app', 'route', 'outcome'],
    buckets,
    registers,
  })
  const received = new prometheus.Counter({
    name: 'postern_http_received_bytes_total',
    help: 'Received bytes, including headers.',
    labelNames: ['app'],
    registers,
  })
  const sent = new prometheus.Counter({
    name: 'postern_http_sent_bytes_total',
    help: 'Sent bytes, including headers.',
    labelNames: ['app'],
    registers,
  })
  const refusals = new prometheus.Counter({
    name: 'postern_refusals_total',
    help: 'Refused requests by error code.',
    labelNames: ['app', 'code'],
    registers,
  })
  for (const gauge of gauges) register(gauge, registers)
  for (const one of counts) registerCount(one, registers)

  function count(request: MeasuredRequest): void {
    const { app, operation: route, method, status, outcome, refusal } = request
    requests.inc({ app, route, method, status: String(status ?? 0) })
    duration.observe({ app, route, outcome }, request.ms / 1000)
    received.inc({ app }, request.received)
    sent.inc({ app }, request.sent)
    if (refusal !== null) refusals.inc({ app, code: refusal.code })
  }

  async function exposition(ofProcesses: Figures[]): Promise<{ contentType: string; text: string }> {
    const shown = ofProcesses.length === 1 ? registry : prometheus.AggregatorRegistry.aggregate(ofProcesses)
    return { contentType: registry.contentType, text: await shown.metrics() }
  }

  return { count, figures: () => registry.getMetricsAsJSON(), exposition }
}

function registerCount({ name, help, label, read }: ProcessCount, registers: Registry[]): void {
  void new prometheus.Counter({
    name,
    help,
    labelNames: [label],
    registers,
    async collect() {
      const values = await read()
      this.reset()
      for (const [key, value] of Object.entries(values)) this.inc({ [label]: key }, value)
    },
  })
}

/** A metric that cannot be read is left out instead of showing an old value. */
function register({ name, help, label, read }: Gauge, registers: Registry[]): void {
  void new prometheus.Gauge({
    name,
    help,
    labelNames: label === undefined ? [] : [label],
    registers,
    async collect() {
      const value = await read().catch(() => null)
      this.reset()
      if (value === null) return this.remove()
      if (typeof value === 'number') return this.set(value)
      for (const [key, one] of Object.entries(value)) this.set({ [label ?? '']: key }, one)
    },
  })
}
