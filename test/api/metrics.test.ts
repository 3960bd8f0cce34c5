/** Metrics, who can see them, and the audit log. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startGateway, type Overrides, type RunningGateway } from '../fixtures/gateway.ts'
import { as, call, put, store, textFile } from './caller.ts'
import { serveApi } from './serve-api.ts'

async function start(overrides: Overrides = {}): Promise<RunningGateway> {
  const gateway = await startGateway(overrides)
  onTestFinished(() => gateway.close())
  return gateway
}

async function figures(gateway: RunningGateway): Promise<Map<string, number>> {
  const { status, text } = await call(`${gateway.apiUrl}/metrics`)
  expect([status, text]).toEqual([200, text])
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

describe('GET /metrics', () => {
  it('counts requests by route and status, not by path', async () => {
    const gateway = await start()
    const alice = await as(gateway, 'alice')
    const { id } = await store(alice, 'hello')
    await alice.get(`/files/${id}`)
    await alice.get('/files/nobody-has-this')
    await call(`${gateway.apiUrl}/nowhere/at/all`)
    const seen = await figures(gateway)
    const requests = (labels: string) => seen.get(`postern_http_requests_total{${labels}}`)
    expect(requests('app="api",route="/files/upload-url",method="POST",status="200"')).toBe(1)
    expect(requests('app="api",route="/files/:id",method="GET",status="200"')).toBe(1)
    expect(requests('app="api",route="/files/:id",method="GET",status="404"')).toBe(1)
    expect(requests('app="api",route="none",method="GET",status="404"')).toBe(1)
    expect(requests('app="objects",route="PutObject",method="PUT",status="200"')).toBe(1)
    expect([...seen.keys()].filter((name) => name.includes(id))).toEqual([])
  })

  it('counts refusals by their code, files by state, and bytes', async () => {
    const gateway = await start()
    const alice = await as(gateway, 'alice')
    await store(alice, 'hello')
    const pending = (await alice.post('/files/upload-url', { ...textFile, size: 7 })).json
    await put({ ...pending, uploadUrl: `${pending.uploadUrl}0` }, 'refused')
    const seen = await figures(gateway)
    expect(seen.get('postern_refusals_total{app="objects",code="SignatureDoesNotMatch"}')).toBe(1)
    expect(seen.get('postern_files{state="confirmed"}')).toBe(1)
    expect(seen.get('postern_files{state="pending"}')).toBe(1)
    expect(seen.get('postern_file_bytes{state="confirmed"}')).toBe(5)
    expect(seen.get('postern_file_bytes{state="pending"}')).toBe(7)
    expect(seen.get('postern_disk_free_bytes')).toBeGreaterThan(0)
    expect(seen.get('postern_damaged_objects')).toBe(0)
  })

  it('counts the bytes of reused connections once', async () => {
    const gateway = await start()
    const alice = await as(gateway, 'alice')
    const size = 300_000
    for (let i = 0; i < 3; i++) await store(alice, 'x'.repeat(size))
    const received = (await figures(gateway)).get('postern_http_received_bytes_total{app="objects"}') ?? 0
    expect(received).toBeGreaterThan(3 * size)
    expect(received).toBeLessThan(3 * size + 20_000)
  })

  it('serves only administrators with a public URL, and for requests from a proxy', async () => {
    const gateway = await start({ auth: { admins: ['root'] } })
    const { config } = gateway.gateway
    const behindProxy = await serveApi(gateway, {
      config: { ...config, server: { ...config.server, publicUrl: 'https://files.example.com' } },
      metrics: { expose: async () => ({ contentType: 'text/plain', text: 'figures' }) },
    })
    onTestFinished(() => behindProxy.close())
    const url = `${behindProxy.url}/metrics`
    const asUser = async (user: string) =>
      call(url, { headers: { authorization: `Bearer ${await gateway.token(user)}` } })
    expect((await call(url)).status).toBe(401)
    expect((await asUser('alice')).status).toBe(403)
    expect(await asUser('root')).toMatchObject({ status: 200, text: 'figures' })

    const local = await start()
    expect((await call(`${local.apiUrl}/metrics`, { headers: { 'x-forwarded-for': '203.0.113.9' } })).status).toBe(401)
  })
})

describe('log.audit', () => {
  it('has a line with user, action, object and outcome, and no credentials', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'postern-audit-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const path = join(folder, 'logs', 'audit.jsonl')
    const gateway = await startGateway({ log: { audit: path } })
    const alice = await as(gateway, 'alice')
    const bob = await as(gateway, 'bob')
    const { id, key } = await store(alice, 'hello')
    const { downloadUrl } = (await alice.get(`/files/${id}/download-url`)).json
    await bob.get(`/files/${id}`)
    await call(downloadUrl.replace(/(Signature=)../, '$100'))
    await alice.delete(`/files/${id}`)
    await call(`${gateway.apiUrl}/healthz`)
    await gateway.close()

    const text = await readFile(path, 'utf8')
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const told = lines.map(({ who, what, outcome, file, key: of, code }) => [who, what, outcome, file ?? of, code])
    expect(told).toEqual([
      ['alice', 'POST /files/upload-url', 'ok', id, undefined],
      [null, 'PUT PutObject', 'ok', key, undefined],
      ['alice', 'POST /files/confirm', 'ok', id, undefined],
      ['alice', 'GET /files/:id/download-url', 'ok', id, undefined],
      ['bob', 'GET /files/:id', 'refused', id, 'NotFound'],
      [null, 'GET GetObject', 'refused', key, 'SignatureDoesNotMatch'],
      ['alice', 'DELETE /files/:id', 'ok', id, undefined],
    ])
    for (const line of lines) {
      expect(line).toMatchObject({
        ip: '127.0.0.1',
        requestId: expect.stringMatching(/./),
        time: expect.stringMatching(/Z$/),
      })
    }
    expect(text).not.toMatch(/Signature=|eyJ/)
    const { mode } = await stat(path)
    expect(process.platform === 'win32' ? 0o600 : mode & 0o777).toBe(0o600)
  })
})
