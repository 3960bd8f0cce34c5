/** Step 3: opens everything that reads request events: log, audit log, metrics, traces and the console's list. */
import { gatherRequests } from '../cluster/gathered-requests.ts'
import type { Config } from '../config/config.ts'
import { packageVersion } from '../config/package-version.ts'
import { question } from '../drivers/peers.ts'
import { createAccessLog } from '../http/access-log.ts'
import type { DetailsUrl } from '../http/advice.ts'
import { openAuditLog } from '../http/audit-log.ts'
import type { RequestSink } from '../http/request-event.ts'
import { createRequestLog, type RequestLog } from '../http/request-log.ts'
import { countDroppedLogLines, droppedLinesQuestion, droppedLogLines } from '../http/stderr-lines.ts'
import { gaugesOf } from '../metrics/gauges.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import type { Tracing } from '../metrics/tracing.ts'
import type { ResolvedOptions } from './gateway.ts'

const droppedLines = question<void, number>(droppedLinesQuestion)

export type Observers = {
  sinks: RequestSink[]
  /** The requests that the console lists, those of the other workers included. */
  requests: RequestLog
  /** In development mode, the page of the console about a request. */
  detailsUrl: DetailsUrl | null
  metrics: Metrics
  /** Writes what is buffered. Call it after the last request. */
  close(): Promise<void>
}

export async function observe(
  config: Config,
  o: ResolvedOptions,
  from: Omit<Parameters<typeof gaugesOf>[0], 'config'> & { apiUrl: () => string },
): Promise<Observers> {
  const { peers, log, testMode } = o
  const requests = peers.count > 1 ? gatherRequests(createRequestLog(), peers) : createRequestLog()
  const audit = config.log.audit === null ? null : openAuditLog(config.log.audit, log)
  // One worker adds what the primary has dropped.
  const dropped =
    peers.index === 0 ? countDroppedLogLines(() => peers.ask(droppedLines)) : async () => droppedLogLines()
  const metrics = createMetrics(gaugesOf({ ...from, config }), peers, [
    {
      name: 'postern_log_lines_dropped_total',
      help: 'Log lines that were dropped because the disk was full or the reader too slow.',
      label: 'log',
      read: async () => ({ server: await dropped(), audit: audit?.dropped ?? 0 }),
    },
  ])
  const tracing = o.tracing === true ? await openTracing() : null
  const detailsUrl = o.dev ? (requestId: string): string => `${from.apiUrl()}/#/log/${requestId}` : null
  return {
    sinks: [
      createAccessLog(log, detailsUrl),
      metrics.observe,
      ...(audit ? [audit.note] : []),
      ...(tracing ? [tracing.observe] : []),
      (event) => requests.push(event),
      ...(testMode ? [testMode.requests.sink] : []),
    ],
    requests,
    detailsUrl,
    metrics,
    async close() {
      await audit?.close()
      await tracing?.close().catch((err: unknown) => log.warn({ err }, 'the last spans could not be sent'))
    },
  }
}

/** Loaded only when needed, because it is large. */
async function openTracing(): Promise<Tracing> {
  const { startTracing } = await import('../metrics/tracing.ts')
  return startTracing({ version: packageVersion() })
}
