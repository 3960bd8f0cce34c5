import prometheus, { type Registry } from 'prom-client'
import type { Gauge, MeasuredRequest, ProcessCount } from './metrics.ts'

/** From an answer out of the cache to an upload of an hour. */
const buckets = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600, 3600]

/** What one process has counted, as JSON. */
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
    help: 'Requests by what they asked for and how they were answered; status 0: the client had gone.',
    labelNames: ['app', 'route', 'method', 'status'],
    registers,
  })
  const duration = new prometheus.Histogram({
    name: 'postern_http_request_duration_seconds',
    help: 'From the head of a request to the end of its answer.',
    labelNames: ['app', 'route', 'outcome'],
    buckets,
    registers,
  })
  const received = new prometheus.Counter({
    name: 'postern_http_received_bytes_total',
    help: 'Bytes that came in, heads included.',
    labelNames: ['app'],
    registers,
  })
  const sent = new prometheus.Counter({
    name: 'postern_http_sent_bytes_total',
    help: 'Bytes that went out, heads included.',
    labelNames: ['app'],
    registers,
  })
  const refusals = new prometheus.Counter({
    name: 'postern_refusals_total',
    help: 'Refused requests by the code of the answer.',
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

/** A figure that cannot be read now is left out, rather than shown as it was. */
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
