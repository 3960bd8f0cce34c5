/** `serve --dev` and `auth.anonymous`: requests that are served without a token. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { rawRequest } from '../fixtures/raw-http.ts'
import { as, call, callerWith, put, textFile } from './caller.ts'

describe('dev mode', () => {
  let gateway: RunningGateway
  beforeAll(async () => {
    gateway = await startGateway({}, { dev: true })
  })
  afterAll(() => gateway?.close())

  const list = async (headers: Record<string, string>, method = 'GET') => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const path = method === 'GET' ? '/files' : '/files/upload-url'
    return (
      await rawRequest(gateway.apiUrl, `${method} ${path} HTTP/1.1\r\n${lines.join('')}Connection: close\r\n\r\n`)
    ).status
  }

  test.each([
    { Host: 'localhost:4000' },
    { Host: '127.0.0.1' },
    { Host: '[::1]:4000' },
    { Host: 'localhost', Origin: 'http://localhost:5173' },
    { Host: 'localhost', Origin: 'http://127.0.0.1:4000' },
  ])('%j is the user dev', async (headers) => {
    expect(await list(headers)).toBe(200)
  })

  test.each([
    { Host: 'evil.example.com' },
    { Host: 'localhost.evil.example.com' },
    { Host: 'localhost@evil.example.com' },
    { Host: 'localhost', Origin: 'https://evil.example.com' },
    { Host: 'localhost', Origin: 'null' },
    { Host: 'localhost', Origin: 'http://localhost.evil.example.com' },
    { Host: 'localhost', 'X-Forwarded-For': '203.0.113.9' },
    { Host: 'localhost', Authorization: 'Bearer x' },
  ])('%j is nobody', async (headers) => {
    expect(await list(headers)).toBe(401)
  })

  test('a change requested by a foreign page is refused', async () => {
    expect(await list({ Host: 'localhost', 'Sec-Fetch-Site': 'cross-site' }, 'POST')).toBe(401)
    expect(await list({ Host: 'localhost', 'Sec-Fetch-Site': 'same-origin' }, 'POST')).toBe(400)
  })

  test('a token still identifies its user', async () => {
    const nobody = callerWith(gateway.apiUrl, {})
    const { json } = await nobody.post('/files/upload-url', textFile)
    expect((await nobody.get(`/files/${json.id}`)).status).toBe(200)
    expect((await (await as(gateway, 'alice')).get(`/files/${json.id}`)).status).toBe(404)
    expect((await (await as(gateway, 'dev')).get(`/files/${json.id}`)).status).toBe(200)
  })
})

describe('auth.anonymous', () => {
  let gateway: RunningGateway
  beforeAll(async () => {
    gateway = await startGateway({
      auth: { anonymous: 'guest' },
      limits: { issuePerMinute: 3 },
      server: { trustedProxies: ['10.0.0.0/8'] },
    })
  })
  afterAll(() => gateway?.close())

  test('requests without credentials are that user, wrong credentials are refused', async () => {
    const { status, json } = await callerWith(gateway.apiUrl, {}).post('/files/upload-url', textFile)
    expect(status).toBe(200)
    expect((await put(json, 'hello')).status).toBe(200)
    expect((await (await as(gateway, 'guest')).get(`/files/${json.id}`)).status).toBe(200)
    expect((await call(`${gateway.apiUrl}/files`, { headers: { authorization: 'Bearer x' } })).status).toBe(401)
    expect((await call(`${gateway.apiUrl}/files`, { headers: { cookie: 'postern_token=x' } })).status).toBe(401)
  })

  test('a spoofed X-Forwarded-For does not get a second limit', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) {
      const guest = callerWith(gateway.apiUrl, { 'x-forwarded-for': `203.0.113.${i}`, 'x-real-ip': `203.0.113.${i}` })
      statuses.push((await guest.post('/files/upload-url', textFile)).status)
    }
    expect(statuses).toEqual([200, 200, 429, 429, 429])
  })
})
