/** The shape of every response, for any client and request. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { rawRequest } from '../fixtures/raw-http.ts'
import { alice, authorization, gateway, serveAlice } from './alice.ts'
import { call, textFile } from './caller.ts'
import { serveApi } from './serve-api.ts'
import { createStores } from '../../src/service/stores/stores.ts'

serveAlice()

test.each([
  '/files?limit=0',
  '/files?limit=101',
  '/files?limit=1e1',
  '/files?limit=%2010',
  '/files?limit=1&limit=2',
  '/files?limit=',
  '/files?cursor=made-up',
  '/files?cursor=a&cursor=b',
  '/files?q=a&q=b',
  `/files?q=${'x'.repeat(256)}`,
])('GET %s is 400', async (path) => {
  const { status, json } = await alice.get(path)
  expect([status, json.code]).toEqual([400, 'InvalidArgument'])
})

test.each([
  '/files/nothing',
  '/files/..%2fusage',
  '/files/%zz',
  "/files/'%20or%201=1",
  '/nothing',
  '/files/upload-url/x',
  '/metric',
])('GET %s is 404', async (path) => expect((await alice.get(path)).status).toBe(404))

test.each([
  ['PUT', '/files'],
  ['POST', '/files/usage'],
  ['DELETE', '/files'],
  ['POST', '/healthz'],
])('%s %s is 405', async (method, path) => {
  const { status, headers, json } = await call(gateway.apiUrl + path, { method, headers: { authorization } })
  expect([status, json.code]).toEqual([405, 'MethodNotAllowed'])
  expect(headers.get('allow')).toMatch(/GET/)
})

test.each([
  ['/files', 'GET, HEAD, OPTIONS'],
  ['/files/confirm', 'POST, OPTIONS'],
  ['/files/usage', 'GET, HEAD, OPTIONS'],
  ['/files/some-id', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
  ['/s3/params', 'GET, OPTIONS'],
  ['/s3/multipart/some-id/complete', 'POST, OPTIONS'],
  ['/', 'GET, HEAD, OPTIONS'],
])('what %s allows is said alike, whoever refuses the method', async (path, allowed) => {
  const { host } = new URL(gateway.apiUrl)
  const send = (method: string) => rawRequest(gateway.apiUrl, `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const [options, put, trace] = [await send('OPTIONS'), await send('PUT'), await send('TRACE')]
  expect([options.status, put.status, trace.status]).toEqual([204, 405, 405])
  expect([options, put, trace].map(({ headers }) => headers.get('allow'))).toEqual([allowed, allowed, allowed])
})

test('a problem has title, detail and request id, and `error` for old clients', async () => {
  const { status, headers, json } = await alice.get('/files/00000000-0000-0000-0000-000000000000')
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
  expect(json).toEqual({
    type: 'urn:postern:problem:NotFound',
    title: 'Not found',
    status,
    code: 'NotFound',
    detail: 'There is no such file.',
    error: 'There is no such file.',
    requestId: headers.get('x-request-id'),
  })
})

test('every response has nosniff, no-store, no framing and no referrer', async () => {
  for (const path of ['/files', '/nothing', '/healthz', '/']) {
    const { headers } = await alice.get(path)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toMatch(/no-store|no-cache/)
    const policy = headers.get('content-security-policy')
    expect(policy).toMatch(/default-src 'none'/)
    // The console frames the PDF documents that it shows, with its own policy.
    expect(policy).toMatch(path === '/' ? /frame-ancestors 'self'(;|$)/ : /frame-ancestors 'none'(;|$)/)
    expect(policy).toContain(new URL(gateway.objectsUrl).origin)
    expect(policy).not.toMatch(/unsafe|\*/)
    expect(headers.get('vary')).toMatch(/Origin/)
    expect(headers.get('set-cookie')).toBeNull()
    expect(headers.get('x-powered-by')).toBeNull()
  }
})

test('a preflight needs no credentials, and on loopback every origin is allowed without cookies', async () => {
  const preflight = await call(`${gateway.apiUrl}/files/upload-url`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example.com',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
  expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization, content-type')
  expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()
  const refusal = await call(`${gateway.apiUrl}/files`, { headers: { origin: 'https://app.example.com' } })
  expect([refusal.status, refusal.headers.get('access-control-allow-origin')]).toEqual([401, '*'])
})

test.each([
  ['two Hosts', 'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['an empty Host', 'GET /healthz HTTP/1.1\r\nHost:\r\n\r\n', 400],
  ['a target in absolute form', 'GET http://evil.example.com/healthz HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a fragment', 'GET /healthz#x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['TRACE', 'TRACE /healthz HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  [
    'another transfer coding',
    'POST /files HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    501,
  ],
])('%s is refused', async (_, request, status) => {
  const answer = await rawRequest(gateway.apiUrl, request)
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toMatch(/problem\+json/)
})

test('a foreign Host never gets into a URL', async () => {
  const body = JSON.stringify({ ...textFile, visibility: 'public' })
  const answer = await rawRequest(
    gateway.apiUrl,
    `POST /files/upload-url HTTP/1.1\r\nHost: evil:x@good\r\nX-Forwarded-Host: evil.example.com\r\nAuthorization: ${authorization}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
  expect(answer.status).toBe(200)
  expect(answer.text).not.toContain('evil')
})

describe('health', () => {
  test('is live and ready, for anyone', async () => {
    expect((await call(`${gateway.apiUrl}/healthz`)).status).toBe(200)
    expect((await call(`${gateway.apiUrl}/readyz`)).status).toBe(200)
    expect((await fetch(`${gateway.apiUrl}/healthz`, { method: 'HEAD' })).status).toBe(200)
  })

  test('checks the store a few times for many concurrent requests', async () => {
    let looks = 0
    const checkReady = async (): Promise<void> => {
      looks++
      await sleep(200)
    }
    const api = await serveApi(gateway, {
      stores: createStores({ ...gateway.gateway.driver, checkReady }),
    })
    try {
      const answers = await Promise.all(Array.from({ length: 100 }, () => call(`${api.url}/readyz`)))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect(looks).toBeLessThan(20)
      const before = looks
      await call(`${api.url}/readyz`)
      expect(looks).toBe(before)
    } finally {
      api.close()
    }
  })

  test('is not ready while it stops', async () => {
    const api = await serveApi(gateway, { isDraining: () => true })
    try {
      expect((await call(`${api.url}/healthz`)).status).toBe(200)
      expect(await call(`${api.url}/readyz`)).toMatchObject({
        status: 503,
        json: { detail: 'The server is stopping.' },
      })
    } finally {
      api.close()
    }
  })
})
