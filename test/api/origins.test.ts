/** Pages that can use a user's cookie or act without credentials, over raw sockets. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGateway, type Overrides, type RunningGateway } from '../fixtures/gateway.ts'
import { rawRequest } from '../fixtures/raw-http.ts'
import { as, store } from './caller.ts'

let gateway: RunningGateway

const serve = (overrides: Overrides): void => {
  beforeAll(async () => {
    gateway = await startGateway(overrides)
  })
  afterAll(() => gateway?.close())
}

async function send(method: string, path: string, headers: Record<string, string>, body = ''): Promise<number> {
  const all = { Host: new URL(gateway.apiUrl).host, ...headers, ...(body && { 'Content-Length': String(body.length) }) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return (
    await rawRequest(gateway.apiUrl, `${method} ${path} HTTP/1.1\r\n${lines.join('')}Connection: close\r\n\r\n${body}`)
  ).status
}

describe("with a user's cookie", () => {
  serve({ cors: { origins: ['https://app.example.com'] } })
  const params = '/s3/params?filename=a.txt&type=text%2Fplain'
  const withCookie = async (headers: Record<string, string>) => ({
    Cookie: `postern_token=${await gateway.token('alice')}`,
    ...headers,
  })
  const reserved = async (): Promise<number> =>
    (await (await as(gateway, 'alice')).get('/files/usage')).json.reservedFiles

  test.each<[string, Record<string, string>]>([
    ['nothing, as an image of another site over plain http', {}],
    ['a Referer of another site', { Referer: 'https://evil.example.com/page' }],
    ['a Referer that is no URL', { Referer: 'about:client' }],
    ['Sec-Fetch-Site: cross-site, and JSON', { 'Sec-Fetch-Site': 'cross-site', 'Content-Type': 'application/json' }],
    ['Sec-Fetch-Site: same-site', { 'Sec-Fetch-Site': 'same-site' }],
    ['Sec-Fetch-Site: none', { 'Sec-Fetch-Site': 'none' }],
    ['a foreign Origin, and a custom header', { Origin: 'https://evil.example.com', 'X-Requested-With': 'x' }],
    ['the content type of a form', { 'Content-Type': 'text/plain;application/json' }],
  ])('GET /s3/params and every change are refused with %s', async (_, headers) => {
    const alice = await as(gateway, 'alice')
    const { id } = await store(alice, 'kept')
    const before = await reserved()
    expect(await send('GET', params, await withCookie(headers))).toBe(403)
    for (const [method, path] of [
      ['POST', '/files/upload-url'],
      ['POST', '/s3/multipart'],
      ['POST', `/files/${id}/links`],
      ['PATCH', `/files/${id}`],
      ['DELETE', `/files/${id}`],
    ] as const)
      expect(await send(method, path, await withCookie(headers), '{"filename":"a.txt"}')).toBe(403)
    expect(await reserved()).toBe(before)
    expect((await alice.get(`/files/${id}`)).json).toMatchObject({ status: 'confirmed', filename: 'note.txt' })
  })

  test.each<[string, () => Record<string, string>]>([
    ['Sec-Fetch-Site: same-origin, as Uppy on the same origin', () => ({ 'Sec-Fetch-Site': 'same-origin' })],
    ['its own Origin', () => ({ Origin: gateway.apiUrl })],
    ['a listed Origin', () => ({ Origin: 'https://app.example.com' })],
    ['a JSON content type', () => ({ 'Content-Type': 'application/json; charset=utf-8' })],
    ['X-Requested-With', () => ({ 'X-Requested-With': 'XMLHttpRequest' })],
    ["the header of Uppy's Companion client", () => ({ 'Uppy-Versions': '@uppy/companion-client=4.0.0' })],
    ['a Referer of its own, as Uppy 6 over plain http', () => ({ Referer: `${gateway.apiUrl}/upload.html` })],
  ])('GET /s3/params and a deletion are answered with %s', async (_, headers) => {
    const alice = await as(gateway, 'alice')
    const { id } = await store(alice, 'x')
    const before = await reserved()
    expect(await send('GET', params, await withCookie(headers()))).toBe(200)
    expect(await reserved()).toBe(before + 1)
    expect(await send('DELETE', `/files/${id}`, await withCookie(headers()))).toBe(204)
  })

  test('an image of a file works with only the cookie, from any page', async () => {
    const { id } = await store(await as(gateway, 'alice'), 'x')
    for (const site of ['same-origin', 'same-site', 'cross-site'])
      expect(await send('GET', `/files/${id}/content`, await withCookie({ 'Sec-Fetch-Site': site }))).toBe(302)
    expect(await send('GET', `/files/${id}/content`, await withCookie({}))).toBe(302)
  })

  test('a bearer token needs no further proof', async () => {
    const authorization = `Bearer ${await gateway.token('alice')}`
    expect(await send('GET', params, { Authorization: authorization, Origin: 'https://evil.example.com' })).toBe(200)
  })
})

describe('with auth.anonymous', () => {
  serve({ auth: { anonymous: 'guest' }, cors: { origins: ['*', 'https://app.example.com'] } })
  const body = '{"filename":"a.txt","mimeType":"text/plain"}'
  const json = { 'Content-Type': 'application/json' }
  const reserved = async (): Promise<number> =>
    (await (await as(gateway, 'guest')).get('/files/usage')).json.reservedFiles

  test.each<[string, Record<string, string>]>([
    ['a Host of another name', { Host: 'evil.example.com' }],
    ['a Host that begins like ours', { Host: 'localhost.evil.example.com' }],
    ['a foreign Origin, although cors.origins holds *', { Origin: 'https://evil.example.com' }],
    ['Origin: null', { Origin: 'null' }],
    ['Sec-Fetch-Site: cross-site', { 'Sec-Fetch-Site': 'cross-site' }],
  ])('%s is refused', async (_, headers) => {
    const before = await reserved()
    expect(await send('POST', '/files/upload-url', { ...json, ...headers }, body)).toBe(403)
    expect(await reserved()).toBe(before)
  })

  test.each<[string, () => Record<string, string>]>([
    ['no Origin', () => ({})],
    ['its own Origin', () => ({ Origin: gateway.apiUrl })],
    ['a page on this machine', () => ({ Host: 'localhost:4000', Origin: 'http://localhost:5173' })],
    ['a listed Origin', () => ({ Origin: 'https://app.example.com' })],
  ])('%s is the anonymous user', async (_, headers) => {
    expect(await send('POST', '/files/upload-url', { ...json, ...headers() }, body)).toBe(200)
  })

  test('a token still works from anywhere', async () => {
    const headers = { Host: 'evil.example.com', Authorization: `Bearer ${await gateway.token('alice')}` }
    expect(await send('GET', '/files', headers)).toBe(200)
  })
})
