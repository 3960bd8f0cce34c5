/**
 * Security cases 58, 59 and 104 in dev mode: a request without credentials is the user dev, and must come from this
 * machine.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rawApi, startHarness, type Headers, type Harness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness({}, { dev: true })
})
afterAll(() => harness?.close())

test.each<[string, Headers]>([
  ['another name for this address', { host: 'rebound.evil.example' }],
  ['its port', { host: 'rebound.evil.example:4000' }],
  ['a name that begins like ours', { host: 'localhost.evil.example' }],
  ['a name that ends like ours', { host: 'evil-localhost' }],
  ['an address with a tail', { host: '127.0.0.1.nip.example' }],
  ['a user before it', { host: 'localhost@evil.example' }],
  ['a password', { host: 'a:b@localhost' }],
  ['a private address', { host: '192.168.1.2' }],
  ['the unspecified address', { host: '0.0.0.0' }],
  ['an address of the link', { host: '[fe80::1]' }],
  ['an Origin elsewhere', { origin: 'https://evil.example' }],
  ['an Origin of a file', { origin: 'null' }],
  ['an Origin that begins like ours', { origin: 'http://localhost.evil.example' }],
  ['an Origin that has a user', { origin: 'http://localhost@evil.example' }],
  ['an extension', { origin: 'chrome-extension://localhost' }],
  ['X-Forwarded-For', { 'x-forwarded-for': '127.0.0.1' }],
  ['X-Forwarded-Host', { 'x-forwarded-host': 'evil.example' }],
  ['X-Forwarded-Proto', { 'x-forwarded-proto': 'https' }],
  ['X-Real-IP', { 'x-real-ip': '127.0.0.1' }],
  ['Forwarded', { forwarded: 'for=127.0.0.1' }],
  ['Via', { via: '1.1 proxy' }],
  ['a wrong token', { authorization: 'Bearer x' }],
  ['a wrong cookie', { cookie: 'postern_token=x' }],
])('58, 59: %s is nobody', async (_, headers) => {
  const before = await harness.state()
  for (const method of ['GET', 'POST']) {
    const path = method === 'GET' ? '/files' : '/files/upload-url'
    const type = { 'content-type': 'application/json' }
    const answer = await rawApi(
      harness,
      method,
      path,
      { ...type, ...headers },
      method === 'GET' ? '' : '{"filename":"a.txt"}',
    )
    expect(answer.status).toBe(401)
    expect(answer.headers.get('access-control-allow-credentials')).toBeUndefined()
  }
  expect(await harness.state()).toEqual(before)
})

test('from this machine is the user dev', async () => {
  expect((await rawApi(harness, 'GET', '/files')).status).toBe(200)
  expect((await rawApi(harness, 'GET', '/files', { host: 'localhost', origin: 'http://localhost:5173' })).status).toBe(
    200,
  )
})
