/** Sends a span per request to an OpenTelemetry collector by OTLP over HTTP. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags, type Context } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { RequestEvent } from '../http/request-event.ts'

export type Tracing = {
  observe(request: RequestEvent): void
  /** Sends pending spans. */
  close(): Promise<void>
}

/** The `OTEL_…` variables set the collector and the service name. The default name is postern. */
export function startTracing(o: { version: string }): Tracing {
  const own = resourceFromAttributes({ 'service.name': 'postern', 'service.version': o.version })
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  })
  const tracer = provider.getTracer('postern', o.version)

  return {
    observe(request) {
      const { app, method, operation: route, status, received, sent, refusal, requestId } = request
      const span = tracer.startSpan(
        `${method} ${route}`,
        {
          kind: SpanKind.SERVER,
          startTime: request.at,
          attributes: {
            'http.request.method': method,
            'http.route': route,
            ...(status === null ? {} : { 'http.response.status_code': status }),
            'http.request.size': received,
            'http.response.size': sent,
            'postern.app': app,
            'postern.request_id': requestId,
            ...(refusal === null ? {} : { 'error.type': refusal.code }),
          },
        },
        parentOf(request.traceparent),
      )
      if (request.outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR })
      span.end(request.at + request.ms)
    },
    close: () => provider.shutdown(),
  }
}

/** W3C Trace Context, version 00. Any other value starts a new trace. */
function parentOf(header: string | null): Context {
  const [, traceId = '', spanId = '', flags = ''] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(header ?? '') ?? []
  if (traceId === '' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return ROOT_CONTEXT
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}
