/**
 * Findings of the security review about the two origins. See docs/security-review.md. Each test fails without its fix.
 */
import { tmpdir } from 'node:os'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { logEntry } from '../../src/api/log-entry.ts'
import { createRateLimit } from '../../src/api/rate-limit.ts'
import { createWatchRequests } from '../../src/api/watch-requests.ts'
import { explainRequest } from '../../src/explain/explain-request.ts'
import { maskTarget } from '../../src/http/logger.ts'
import { createRequestLog, type LoggedRequest } from '../../src/http/request-log.ts'
import { testConfig } from '../fixtures/gateway.ts'
import { loggedRequest } from '../fixtures/logged-request.ts'
import { rawRequest } from '../fixtures/raw-http.ts'
import { readEvents } from '../api/event-reader.ts'
import { credentials, keys, signed, soon } from '../explain/signed-put.ts'
import { rawApi, startHarness, type Harness } from './harness.ts'

async function harness(...of: Parameters<typeof startHarness>): Promise<Harness> {
  const started = await startHarness(...of)
  onTestFinished(() => started.close())
  return started
}

const refusal = { code: 'SignatureDoesNotMatch', message: 'm', advice: 'a' }
const request: LoggedRequest = { ...loggedRequest({ status: 403, refusal }), run: '0123abcd', seq: 1 }

describe('a proxy with default settings: HTTP/1.0, Host of its upstream, no forwarding headers', () => {
  const asNginx = (base: string, path: string) =>
    rawRequest(base, `GET ${path} HTTP/1.0\r\nHost: 127.0.0.1:4000\r\nConnection: close\r\n\r\n`)

  it('gets no metrics', async () => {
    const { gateway } = await harness()
    expect((await asNginx(gateway.apiUrl, '/metrics')).status).toBe(401)
    expect((await fetch(`${gateway.apiUrl}/metrics`)).status).toBe(200)
  })

  it('is not the dev user in dev mode', async () => {
    const { gateway } = await harness({}, { dev: true })
    for (const path of ['/files', '/console/settings', '/console/log'])
      expect({ path, status: (await asNginx(gateway.apiUrl, path)).status }).toEqual({ path, status: 401 })
    expect((await fetch(`${gateway.apiUrl}/files`)).status).toBe(200)
  })
})

describe('administrators', () => {
  it('are never requests without credentials, or foreign pages with their cookie', async () => {
    const started = await harness({ auth: { admins: ['root'], anonymous: 'root' } })
    const token = await started.gateway.token('root')
    const cookie = `postern_token=${token}`
    const status = async (headers: Record<string, string>) =>
      (await rawApi(started, 'GET', '/console/settings', headers)).status
    expect(await status({})).toBe(403)
    expect(await status({ cookie })).toBe(200)
    expect(await status({ cookie, origin: 'https://evil.example.com' })).toBe(403)
    for (const name of ['Root', 'root ', 'root\u200b'])
      expect(await status({ authorization: `Bearer ${await started.gateway.token(name)}` })).toBe(403)
  })
})

describe('an explanation', () => {
  const raw = (target: string, rawHeaders: string[] = []) =>
    ({ method: 'PUT', target, rawHeaders: ['Host', '127.0.0.1:4001', ...rawHeaders], pathPrefix: '' }) as const
  const options = { region: 'us-east-1', keys, now: soon }
  const target = (): string => {
    const { pathname, search } = new URL(signed({ credentials: { ...credentials, secretAccessKey: 'x'.repeat(40) } }))
    return pathname + search
  }
  const withSigned = (...names: string[]): string =>
    target().replace(/X-Amz-SignedHeaders=[^&]*/, `X-Amz-SignedHeaders=${['host', ...names].join('%3B')}`)

  it('does not contain the value of a secret header, not even as advice', () => {
    const names = ['cookie', 'x-amz-security-token', 'x-amz-server-side-encryption-customer-key']
    const sent = names.flatMap((name, i) => [name, `TOPSECRET${i}`])
    const told = explainRequest(raw(withSigned(...names), sent), options)
    expect(told.outcome).toBe('refused')
    expect(told.also.concat(told.difference ?? []).map(({ code }) => code)).toContain('NoOriginalFound')
    expect(JSON.stringify(told)).not.toContain('TOPSECRET')
  })

  it('limits its search for long requests', () => {
    const many = Array.from({ length: 3500 }, (_, i) => i.toString(36))
    expect(explainRequest(raw(`${target()}&${many.join('&')}`), options).tried).toBeLessThan(10)
    const headers = many.flatMap((name) => [name, ''])
    expect(explainRequest(raw(withSigned(...many), headers), options).tried).toBeLessThan(10)
    expect(explainRequest(raw(target()), options).tried).toBeGreaterThan(50)
  })

  it('is not kept for an oversized request', () => {
    const explain = vi.fn<() => null>(() => null)
    const entry = (rawHeaders: string[], search = target()) =>
      logEntry({ ...request, target: search, rawHeaders }, { id: '1', explain })
    entry(['x-amz-meta-a', 'x'.repeat(9000)])
    entry([], `${target()}&${'a'.repeat(5000)}`)
    expect(explain).not.toHaveBeenCalled()
    entry(['x-amz-meta-a', 'x'])
    expect(explain).toHaveBeenCalledOnce()
  })

  it("shows its headers without a customer's key", () => {
    const name = 'x-amz-server-side-encryption-customer-key'
    const rawHeaders = [name, 'TOPSECRET', `${name}-MD5`, 'digest', 'x-amz-copy-source', `/b/k?${name}=TOPSECRET`]
    const entry = logEntry(
      { ...request, target: `/postern/k?${name}=TOPSECRET`, rawHeaders },
      { id: '1', explain: null },
    )
    expect(JSON.stringify(entry)).not.toContain('TOPSECRET')
    expect(entry.refusal?.headers.map(([header]) => header)).toEqual([name, `${name}-md5`, 'x-amz-copy-source'])
  })
})

it('masks the token of a link in every spelling', () => {
  const token = 'rT9-kQ2_mXw7LpB4sTz8HnC6dYg3JfA5eU1oKiV0xWc'
  for (const at of [0, 5, 42]) {
    const spelled = `${token.slice(0, at)}%${token.charCodeAt(at).toString(16)}${token.slice(at + 1)}`
    expect(maskTarget(`/l/${spelled}?a=b`)).toBe('/l/[hidden]?a=b')
  }
})

describe('the console log', () => {
  it('asks the catalog once about an unknown key, for all readers', async () => {
    const requests = createRequestLog()
    const findUploadByKey = vi.fn<() => Promise<null>>(async () => null)
    const deps = { requests, explain: null, catalog: { findUploadByKey }, config: testConfig(tmpdir()) }
    const watch = createWatchRequests(deps as never)
    const answers = ['alice', 'bob', 'carol'].map((user) => {
      const text: string[] = []
      const res = { writableEnded: false, once() {}, writeHead() {}, end() {}, destroy() {} }
      watch({ ...res, write: (some: string) => text.push(some) > 0 } as never, { user, admin: false, lastId: '' })
      return text
    })
    requests.push({ ...request, key: 'uploads/made-up' })
    requests.push({ ...request, key: 'uploads/all', user: 'all' })
    await expect.poll(() => findUploadByKey.mock.calls.length).toBe(2)
    await expect.poll(() => answers.every((text) => text.length > 0)).toBe(true)
    requests.close()
    expect(findUploadByKey).toHaveBeenCalledTimes(2)
  })

  it('admits administrators although users have taken all places', async () => {
    const { gateway } = await harness({ auth: { admins: ['root'] } })
    const open = async (user: string) => {
      const headers = { authorization: `Bearer ${await gateway.token(user)}` }
      const reader = await readEvents(`${gateway.apiUrl}/console/log`, headers)
      onTestFinished(() => reader.close())
      return reader.status
    }
    for (let i = 0; i < 64; i++) expect(await open(`user${i % 8}`)).toBe(200)
    expect(await open('alice')).toBe(429)
    expect(await open('root')).toBe(200)
  })
})

it('a /64 of IPv6 shares one limit of a client without credentials', async () => {
  const config = testConfig(tmpdir(), { limits: { issuePerMinute: 2 }, server: { trustedProxies: ['127.0.0.1'] } })
  const { limit, close } = await createRateLimit(config, { log: pino({ level: 'silent' }), isWorker: false })
  onTestFinished(close)
  const from = (address: string) => {
    const req = { socket: { remoteAddress: '127.0.0.1' }, headers: { 'x-forwarded-for': address } }
    return limit({ req } as never, { user: 'anyone', via: 'anonymous' }).then(
      () => 'ok',
      (error: { code: string }) => error.code,
    )
  }
  const neighbours = ['2001:db8:0:1::1', '2001:db8:0:1::2', '2001:db8:0:1:ffff::3', '2001:db8::1:0:0:0:4']
  expect(await Promise.all(neighbours.map(from))).toEqual(['ok', 'ok', 'TooManyRequests', 'TooManyRequests'])
  expect(await from('2001:db8:0:2::1')).toBe('ok')
})

it('builds the description of the API once, not for each request', async () => {
  const { gateway } = await harness()
  const ask = async () => (await fetch(`${gateway.apiUrl}/openapi.json`)).text()
  const first = await ask()
  const parse = vi.spyOn(JSON, 'stringify')
  expect(await ask()).toBe(first)
  const longest = Math.max(...parse.mock.results.map(({ value }) => String(value).length))
  parse.mockRestore()
  expect(longest).toBeLessThan(10_000)
})
