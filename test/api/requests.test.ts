/** Rows 69 and 85, and the shape of every answer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ApiDeps } from '../../src/api/app.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { connect, rawRequest } from '../fixtures/raw-http.ts'
import { as, call, stateOf, textFile, type Caller } from './caller.ts'
import { serveApi } from './serve-api.ts'

let gateway: RunningGateway
let alice: Caller
let authorization: string
beforeAll(async () => {
  gateway = await startGateway()
  alice = await as(gateway, 'alice')
  authorization = `Bearer ${await gateway.token('alice')}`
})
afterAll(() => gateway?.close())

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}, path = '/files/upload-url') =>
  call(gateway.apiUrl + path, { method: 'POST', headers: { authorization, 'content-type': 'application/json', ...headers }, body })

async function refused(request: () => Promise<{ status: number; json: { code: string; detail: string } }>, status: number) {
  const before = await stateOf(alice)
  const answer = await request()
  expect(answer.status).toBe(status)
  expect(await stateOf(alice)).toEqual(before)
  return answer.json
}

describe('a body', () => {
  const nested = (depth: number) => `${'{"metadata":'.repeat(depth)}1${'}'.repeat(depth)}`

  test.each<[string, string, Record<string, string>, number]>([
    ['of form fields', 'filename=a.txt', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['of text', '{}', { 'content-type': 'text/plain' }, 415],
    ['of a type that only begins like JSON', '{}', { 'content-type': 'application/jsonp' }, 415],
    ['that is compressed', '{}', { 'content-encoding': 'gzip' }, 415],
    ['that is too big', JSON.stringify({ filename: 'x'.repeat(300_000) }), {}, 413],
    ['that is no JSON', '{"filename":', {}, 400],
    ['that is empty', ' ', {}, 400],
    ['that is a string', '"x"', {}, 400],
    ['that is a list', '[]', {}, 400],
    ['nested 33 deep', nested(33), {}, 400],
    ['nested as deep as fits', '['.repeat(250_000), {}, 400],
    ['nested deep and closed', nested(9_000), {}, 400],
    ['with __proto__', '{"filename":"a.txt","__proto__":{"admin":true}}', {}, 400],
    ['with __proto__ further in', '{"filename":"a.txt","metadata":{"__proto__":"x"}}', {}, 400],
    ['with an escaped __proto__', '{"filename":"a.txt","\\u005f_proto__":{"admin":true}}', {}, 400],
    ['with a constructor', '{"filename":"a.txt","constructor":{"prototype":{}}}', {}, 400],
  ])('%s is refused', async (_, body, headers, status) => {
    await refused(() => post(body, headers), status)
  })

  test('that never ends is cut off at the limit', async () => {
    const connection = await connect(gateway.apiUrl)
    const head = `POST /files/upload-url HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\n`
    await connection.send(`${head}Transfer-Encoding: chunked\r\n\r\n`)
    for (let i = 0; i < 20; i++) await connection.send(`4000\r\n${' '.repeat(0x4000)}\r\n`).catch(() => {})
    expect((await connection.answer()).status).toBe(413)
    connection.close()
  })

  test('is not read before it is known who sends it', async () => {
    const head = 'POST /files/upload-url HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n'
    const answer = await rawRequest(gateway.apiUrl, `${head}Expect: 100-continue\r\n\r\n`)
    expect([answer.status, answer.interim]).toEqual([401, []])
  })
})

describe('a field', () => {
  test.each<[object, string]>([
    [{ owner: 'bob' }, 'owner'],
    [{ key: 'uploads/mine.txt' }, 'key'],
    [{ status: 'confirmed' }, 'status'],
    [{ id: '00000000-0000-0000-0000-000000000000' }, 'id'],
    [{ bucket: 'other' }, 'bucket'],
    [{ mimetype: 'text/plain' }, 'mimetype'],
    [{ filename: 5 }, 'filename'],
    [{ filename: '' }, 'filename'],
    [{ filename: 'a\u0000.txt' }, 'filename'],
    [{ filename: 'x'.repeat(256) }, 'filename'],
    [{ fileName: 'other.txt' }, 'filename'],
    [{ mimeType: 'text' }, 'mimeType'],
    [{ mimeType: 'text/plain\r\nx-amz-acl: public-read' }, 'mimeType'],
    [{ size: -1 }, 'size'],
    [{ size: 1.5 }, 'size'],
    [{ size: '5' }, 'size'],
    [{ size: 2 ** 53 }, 'size'],
    [{ checksum: 'abc' }, 'checksum'],
    [{ checksum: { algorithm: 'md5', value: 'x' } }, 'checksum.algorithm'],
    [{ checksum: { algorithm: 'sha256', value: 'x' } }, 'checksum.value'],
    [{ checksum: { algorithm: 'sha256', value: 'x', type: 'COMPOSITE' } }, 'checksum'],
    [{ visibility: 'everyone' }, 'visibility'],
    [{ method: 'DELETE' }, 'method'],
    [{ expiresIn: 0 }, 'expiresIn'],
    [{ expiresIn: 604_801 }, 'expiresIn'],
    [{ expiresIn: '60' }, 'expiresIn'],
    [{ metadata: { album: 5 } }, 'metadata.album'],
    [{ metadata: { album: { deep: '' } } }, 'metadata.album'],
    [{ metadata: 'x' }, 'metadata'],
    [{ metadata: { 'x y': '' } }, 'metadata'],
    [{ metadata: { long: 'x'.repeat(2048) } }, 'metadata'],
    [{ autoConfirm: 'yes' }, 'autoConfirm'],
  ])('%j is refused, and named', async (fields, name) => {
    const { detail } = await refused(() => alice.post('/files/upload-url', { ...textFile, ...fields }), 400)
    expect(detail).toContain(name)
  })

  test('that is missing is named', async () => {
    expect((await alice.post('/files/upload-url', { mimeType: 'text/plain' })).json.detail).toMatch(/^filename is missing/)
    expect((await alice.post('/files/upload-url')).json.detail).toMatch(/^filename is missing/)
  })

  test.each([{}, { id: 'a', key: 'b' }, { id: 5 }, { key: '' , id: ''}])('confirm of %j is refused', async (body) => {
    await refused(() => alice.post('/files/confirm', body), 400)
  })

  test('a type off the list is refused with the list', async () => {
    const json = await refused(() => alice.post('/files/upload-url', { filename: 'a.html', mimeType: 'text/html' }), 415)
    expect(json).toMatchObject({ code: 'TypeNotAllowed' })
    expect(json.detail).toContain('text/plain')
    await refused(() => alice.post('/files/upload-url', { filename: 'a.exe' }), 415)
  })

  test('of the gateway’s own in metadata is dropped', async () => {
    const { status, json } = await alice.post('/files/upload-url', { ...textFile, metadata: { 'x-internal-owner': 'bob', a: 'b' } })
    expect(status).toBe(200)
    expect((await alice.get(`/files/${json.id}`)).json.metadata).toEqual({ a: 'b' })
  })
})

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

test.each(['/files/nothing', '/files/..%2fusage', '/files/%zz', "/files/'%20or%201=1", '/nothing', '/files/upload-url/x', '/metrics'])(
  'GET %s is 404',
  async (path) => expect((await alice.get(path)).status).toBe(404),
)

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

test('a problem tells what, why and under which number, and old clients find `error`', async () => {
  const { status, headers, json } = await alice.get('/files/00000000-0000-0000-0000-000000000000')
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
  expect(json).toEqual({
    ...{ type: 'urn:postern:problem:NotFound', title: 'Not found', status, code: 'NotFound' },
    ...{ detail: 'There is no such file.', error: 'There is no such file.', requestId: headers.get('x-request-id') },
  })
})

test('every answer is nosniff, unstored, unframed, and sends no referrer', async () => {
  for (const path of ['/files', '/nothing', '/healthz', '/']) {
    const { headers } = await alice.get(path)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toMatch(/no-store|no-cache/)
    const policy = headers.get('content-security-policy')
    expect(policy).toMatch(/default-src 'none'/)
    expect(policy).toMatch(/frame-ancestors 'none'/)
    expect(policy).toContain(new URL(gateway.objectsUrl).origin)
    expect(policy).not.toMatch(/unsafe|\*/)
    expect(headers.get('vary')).toMatch(/Origin/)
    expect(headers.get('set-cookie')).toBeNull()
    expect(headers.get('x-powered-by')).toBeNull()
  }
})

test('a preflight needs no credentials; on loopback every origin may ask, without cookies', async () => {
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
  ['another transfer coding', 'POST /files HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
])('%s is refused', async (_, request, status) => {
  const answer = await rawRequest(gateway.apiUrl, request)
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toMatch(/problem\+json/)
})

test('a foreign Host never comes into a URL', async () => {
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
  test('live and ready, for anyone', async () => {
    expect((await call(`${gateway.apiUrl}/healthz`)).status).toBe(200)
    expect((await call(`${gateway.apiUrl}/readyz`)).status).toBe(200)
    expect((await fetch(`${gateway.apiUrl}/healthz`, { method: 'HEAD' })).status).toBe(200)
  })

  test.each<[string, (driver: StorageDriver) => Partial<ApiDeps>]>([
    ['while it stops', () => ({ isDraining: () => true })],
    [
      'while its store cannot be written to',
      (driver) => ({ driver: { ...driver, checkReady: () => Promise.reject(new Error('/dev/x is full')) } }),
    ],
  ])('not ready %s, and nobody learns why', async (_, change) => {
    const api = await serveApi(gateway, change(gateway.gateway.driver))
    try {
      expect((await call(`${api.url}/healthz`)).status).toBe(200)
      const { status, headers, json } = await call(`${api.url}/readyz`)
      expect(status).toBeGreaterThanOrEqual(500)
      expect(json.detail).toBe(`The server could not do this now. Request id: ${headers.get('x-request-id')}.`)
    } finally {
      api.close()
    }
  })
})
