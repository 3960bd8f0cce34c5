/** `OTEL_…` variables: spans arrive at the tests' collector, with names, outcomes and parents, and without secrets. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { as, call, store } from './caller.ts'
import { startGateway } from '../fixtures/gateway.ts'
import { wantsTracing } from '../../src/config/tracing.ts'

type Attribute = { key: string; value: { stringValue?: string; intValue?: number } }
type Span = { name: string; traceId: string; parentSpanId?: string; kind: number; attributes: Attribute[] }
type Export = {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: Span[] }[] }[]
}

async function startCollector(): Promise<{ url: string; exports: Export[] }> {
  const exports: Export[] = []
  const server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += String(chunk)
    exports.push(JSON.parse(body) as Export)
    res.setHeader('content-type', 'application/json')
    res.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, exports }
}

function setVariables(variables: Record<string, string>): void {
  Object.assign(process.env, variables)
  onTestFinished(() => {
    for (const name of Object.keys(variables)) delete process.env[name]
  })
}

it('sends one span per request', async () => {
  const collector = await startCollector()
  setVariables({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'uploads' })
  const gateway = await startGateway({}, { tracing: wantsTracing(process.env) })
  const alice = await as(gateway, 'alice')
  const { id } = await store(alice, 'hello')
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  await call(`${gateway.apiUrl}/files/${id}`, {
    headers: {
      traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
      authorization: `Bearer ${await gateway.token('bob')}`,
    },
  })
  await gateway.close()

  const [{ resource, scopeSpans } = { resource: { attributes: [] }, scopeSpans: [] }] = collector.exports.flatMap(
    ({ resourceSpans }) => resourceSpans,
  )
  const spans = scopeSpans.flatMap((scope) => scope.spans)
  const names = spans.map(({ name }) => name)
  expect(names).toEqual(['POST /files/upload-url', 'PUT PutObject', 'POST /files/confirm', 'GET /files/:id'])
  expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'uploads' } })
  expect(spans[3]).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7', kind: 2 })
  expect(spans[3]?.attributes).toContainEqual({ key: 'http.response.status_code', value: { intValue: 404 } })
  expect(spans[3]?.attributes).toContainEqual({ key: 'error.type', value: { stringValue: 'NotFound' } })
  expect(JSON.stringify(collector.exports)).not.toMatch(/Signature|eyJ/)
})

it.each([
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' }, true],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_SDK_DISABLED: 'true' }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_TRACES_EXPORTER: 'none' }, false],
  [{ OTEL_TRACES_EXPORTER: 'otlp' }, true],
])('with %o is wanted: %s', (env, wanted) => {
  expect(wantsTracing(env)).toBe(wanted)
})
