/** Security cases 56 to 65 and 95: malformed HTTP before and between requests, on both origins. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, rawHead } from '../fixtures/raw-http.ts'
import { store, textFile } from '../api/caller.ts'
import { rawApi, startHarness, type Harness } from './harness.ts'

let harness: Harness
let token: string
let put: string
beforeAll(async () => {
  harness = await startHarness()
  token = await harness.gateway.token('alice')
  put = harness.target('gateway', 'PUT', 'postern', 'uploads/smuggled')
})
afterAll(() => harness?.close())

const marker = '/marker-of-a-second-request'
const second = `GET ${marker} HTTP/1.1\r\nHost: a\r\n\r\n`
/** Requests that reached a route, by the access log. */
const routed = (): number => harness.log.filter((line) => line.includes(marker)).length

/** What one connection got to hear: until it was closed, or a moment after the first answer. */
async function exchange(base: string, bytes: string): Promise<string> {
  const connection = await connect(base)
  let heard = ''
  connection.socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')))
  const closed = connection.closed(3000).catch(() => {})
  const answered = once(connection.socket, 'data').catch(() => {})
  await connection.send(Buffer.from(bytes, 'latin1')).catch(() => {})
  await Promise.race([closed, answered])
  await Promise.race([closed, sleep(150)])
  connection.close()
  return heard
}

describe.each(['the API', 'the objects endpoint'])('%s', (name) => {
  const base = (): string => (name === 'the API' ? harness.gateway.apiUrl : harness.objectsAt)
  const target = (): string => (name === 'the API' ? '/files/upload-url' : put)
  const method = (): string => (name === 'the API' ? 'POST' : 'PUT')

  test.each<[string, string]>([
    ['CL and TE', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['TE and CL', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nbytes'],
    ['one length twice', 'Content-Length: 5\r\nContent-Length: 5\r\n\r\nbytes'],
    ['two lengths in one header', 'Content-Length: 5, 5\r\n\r\nbytes'],
    ['+5', 'Content-Length: +5\r\n\r\nbytes'],
    ['-5', 'Content-Length: -5\r\n\r\nbytes'],
    ['0x5', 'Content-Length: 0x5\r\n\r\nbytes'],
    ['5 with an end', 'Content-Length: 5;a\r\n\r\nbytes'],
    ['a length beyond all numbers', 'Content-Length: 99999999999999999999999\r\n\r\nbytes'],
    ['xchunked', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['chunked twice', 'Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n'],
    ['chunked, identity', 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['two transfer headers', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n'],
    ['gzip before chunked', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['a space before the colon', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
    ['a folded line', 'X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['LF alone', 'Transfer-Encoding: chunked\nX: a\r\n\r\n0\r\n\r\n'],
    ['CR alone', 'X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['NUL', 'X: a\0b\r\n\r\n'],
    ['a bad chunk size', 'Transfer-Encoding: chunked\r\n\r\nzz\r\nbytes\r\n0\r\n\r\n'],
    ['a chunk size with a sign', 'Transfer-Encoding: chunked\r\n\r\n+5\r\nbytes\r\n0\r\n\r\n'],
    ['a chunk that is longer than it says', 'Transfer-Encoding: chunked\r\n\r\n2\r\nbytes\r\n0\r\n\r\n'],
    ['a chunk extension of 20 KB', `Transfer-Encoding: chunked\r\n\r\n5;${'a'.repeat(20_000)}\r\nbytes\r\n0\r\n\r\n`],
    ['a header of 20 KB', `X: ${'a'.repeat(20_000)}\r\n\r\n`],
    ['two Hosts', 'Host: b\r\n\r\n'],
  ])('56, 57: %s hides no second request', async (_, rest) => {
    const before = await harness.state()
    const seen = routed()
    const head = `${method()} ${target()} HTTP/1.1\r\nHost: ${new URL(base()).host}\r\nAuthorization: Bearer ${token}\r\n`
    const heard = await exchange(
      base(),
      `${name === 'the API' ? head : head.replace(/Authorization.*\r\n/, '')}${rest}${second}`,
    )
    expect(heard).toMatch(/^HTTP\/1\.1 (4\d\d|501) /)
    // Where one was answered it was a request of its own, behind a body that was read to its end.
    const answers = heard.match(/HTTP\/1\.1 \d{3}/g) ?? []
    expect(answers.length === 1 ? routed() - seen : 0).toBe(0)
    expect(heard).not.toMatch(/HTTP\/1\.1 5(?!01)/)
    expect(await harness.state()).toEqual(before)
  })

  test.each<[string, string, RegExp]>([
    ['TRACE', `TRACE / HTTP/1.1\r\nHost: a\r\n\r\n`, /^HTTP\/1\.1 405/],
    ['CONNECT', `CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n`, /^(HTTP\/1\.1 4\d\d|$)/],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1\.1 400/],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400/],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', /^HTTP\/1\.1 400/],
    ['an absolute target', 'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1\.1 400/],
    ['a fragment', 'GET /#a HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1\.1 400/],
    ['a raw byte', 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1\.1 400/],
    [
      'HTTP/1.0 in chunks',
      'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1\.1 400/,
    ],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1\.1 4\d\d/],
    ['HTTP/9.9', 'GET / HTTP/9.9\r\nHost: a\r\n\r\n', /^HTTP\/1\.1 4\d\d/],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', /^HTTP\/1\.1 400/],
    [
      'an upgrade',
      'GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
      /^HTTP\/1\.1 40\d/,
    ],
    [
      'h2c',
      'GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
      /^HTTP\/1\.1 40\d/,
    ],
    [
      'another expectation',
      'GET /nothing HTTP/1.1\r\nHost: a\r\nExpect: the-unexpected\r\n\r\n',
      /^HTTP\/1\.1 4(17|0\d)/,
    ],
    ['a method nobody knows', 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1\.1 400/],
  ])('57: %s', async (_, bytes, answer) => {
    expect(await exchange(base(), bytes)).toMatch(answer)
  })

  test('rejects 4,000 headers, and a URL of 20 KB', async () => {
    const many = Array.from({ length: 4000 }, () => 'a:\r\n').join('')
    expect(await exchange(base(), `GET /nothing HTTP/1.1\r\nHost: a\r\n${many}\r\n`)).toMatch(/^HTTP\/1\.1 4\d\d/)
    expect(await exchange(base(), `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431/)
  })

  test('ignores further data on a connection after an early refusal', async () => {
    const seen = routed()
    const refusal = `${method()} ${target()}0 HTTP/1.1\r\nHost: a\r\nContent-Length: ${second.length}\r\n\r\n`
    const heard = await exchange(base(), refusal + second + second)
    expect(heard).toMatch(/^HTTP\/1\.1 40[1345]/)
    const answered = heard.match(/HTTP\/1\.1 \d{3}/g)?.length
    expect(routed() - seen).toBe(answered === 1 ? 0 : 1)
  })

  test('answers pipelined requests in order', async () => {
    const list = Array.from({ length: 20 }, (_, i) => `GET /nothing-${i} HTTP/1.1\r\nHost: a\r\n\r\n`).join('')
    const heard = await exchange(base(), list)
    expect(heard.match(/HTTP\/1\.1 \d{3}/g)).toHaveLength(20)
  })

  test('answers a flood of preflights', async () => {
    const preflight = rawHead(base(), 'OPTIONS', '/postern/a', {
      origin: 'https://app.example.com',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': Array.from({ length: 1000 }, (_, i) => `x-${i}`).join(','),
    })
    const heard = await exchange(base(), preflight.repeat(50))
    expect(heard.match(/HTTP\/1\.1 20[04]/g)).toHaveLength(50)
  })
})

test('ignores forwarding headers of clients that are not trusted proxies', async () => {
  const body = JSON.stringify({ ...textFile, visibility: 'public' })
  const answer = await rawApi(
    harness,
    'POST',
    '/files/upload-url',
    {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '203.0.113.7',
      forwarded: 'for=203.0.113.7;host=evil.example;proto=https',
      'x-original-url': '/admin',
      'x-rewrite-url': '/admin',
      'x-http-method-override': 'DELETE',
      referer: 'https://evil.example/',
    },
    body,
  )
  expect(answer.status).toBe(200)
  expect(answer.text).not.toMatch(/evil|https:/)
  expect(harness.log.join('')).not.toContain('203.0.113.7')
})

test('never redirects to a location from a request header', async () => {
  const alice = await harness.user('alice')
  const { id } = await store(alice, 'text')
  const headers = { authorization: `Bearer ${token}`, referer: 'https://evil.example/', host: 'evil.example' }
  const answer = await rawApi(harness, 'GET', `/files/${id}/content`, headers)
  expect(answer.status).toBe(302)
  expect(answer.headers.get('location')).toMatch(new RegExp(`^${harness.gateway.objectsUrl}/`))
})

test('another spelling of a route shares its limit', async () => {
  const limited = await startHarness({ limits: { issuePerMinute: 3 } })
  try {
    const headers = {
      authorization: `Bearer ${await limited.gateway.token('alice')}`,
      'content-type': 'application/json',
    }
    const issued: number[] = []
    for (const path of [
      '/files/upload-url',
      '/api/upload-url',
      '/files/upload-url/',
      '/files/multipart',
      '/files/multipart/',
      '/api/upload-url?a=b',
      '/API/upload-url',
      '/files//upload-url',
      '/%66iles/upload-url',
      '/files/./upload-url',
    ]) {
      issued.push((await rawApi(limited, 'POST', path, headers, JSON.stringify(textFile))).status)
    }
    expect(issued).toEqual([200, 200, 200, 429, 429, 429, 404, 404, 404, 429])
  } finally {
    await limited.close()
  }
})
