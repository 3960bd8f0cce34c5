/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Row 23: which requests may be signed with version 2, by `objects.sigV2` and by where they come from. */
import { afterEach, describe, expect, test } from 'vitest'
import type { Overrides } from '../fixtures/gateway.ts'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { freePort } from '../cli/free-port.ts'
import { formVersion2, presignVersion2 } from '../sigv4/version-2-signer.ts'
import { keys, startHarness, type Headers, type Harness } from './harness.ts'

let harness: Harness
afterEach(() => harness?.close())

const secret = { bucket: 'alice-1', credentials: keys.alice, expiresIn: 600 }

async function start(overrides: Overrides = {}, o: Parameters<typeof startHarness>[1] = {}): Promise<void> {
  harness = await startHarness(overrides, o)
  await harness.signed('alice', 'PUT', '/alice-1')
  await harness.signed('alice', 'PUT', '/alice-1/k', { body: 'before' })
}

function send(method: string, headers: Headers = {}): Promise<RawAnswer> {
  const endpoint = harness.gateway.objectsUrl.replace(/\/$/, '')
  const url = presignVersion2({ ...secret, method, endpoint, key: 'k', now: new Date() })
  const body = method === 'PUT' ? 'after!' : ''
  const length: Headers = method === 'PUT' ? { 'content-length': '6' } : {}
  return harness.raw(method, url.slice(new URL(url).origin.length), { ...length, ...headers }, body)
}

function post(): Promise<RawAnswer> {
  const fields = formVersion2({ ...secret, key: 'form', now: new Date() })
  const parts = Object.entries(fields).map(
    ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const file = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\ncontent\r\n--b--\r\n'
  const body = parts.join('') + file
  const headers = { 'content-type': 'multipart/form-data; boundary=b', 'content-length': String(body.length) }
  return harness.raw(
    'POST',
    `${new URL(harness.gateway.objectsUrl).pathname.replace(/\/$/, '')}/alice-1`,
    headers,
    body,
  )
}

async function accepts(headers: Headers = {}): Promise<void> {
  expect((await send('PUT', headers)).status).toBe(200)
  expect((await send('GET', headers)).text).toBe('after!')
  expect((await send('HEAD', headers)).status).toBe(200)
  expect((await post()).status).toBe(204)
}

async function refuses(headers: Headers = {}): Promise<void> {
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await harness.refused(() => send(method, headers), 400, 'InvalidRequest')
    expect(answer.text).toMatch(/Please use AWS4-HMAC-SHA256\..*objects\.sigV2: on/)
  }
  await harness.refused(() => send('HEAD', headers), 400)
  expect((await harness.signed('alice', 'GET', '/alice-1/k')).text).toBe('before')
}

describe('objects.sigV2: auto', () => {
  test('accepts version 2 on loopback, on a separate port and on the API’s', async () => {
    await start()
    await accepts()
    await harness.close()
    await start({ objects: { listen: 'shared' } })
    await accepts()
  })

  test.each<Headers>([
    { 'x-forwarded-for': '127.0.0.1' },
    { 'x-forwarded-proto': 'https' },
    { forwarded: 'for=127.0.0.1' },
    { via: '1.1 proxy' },
    { host: 'files.example.com' },
    { host: 'localhost.evil.example' },
    { host: '192.168.1.2:4001' },
  ])('refuses it with %j', async (headers) => {
    await start()
    await refuses(headers)
  })

  test('refuses it behind trusted proxies, and under a public URL', async () => {
    await start({ server: { trustedProxies: ['10.0.0.0/8'] } })
    await refuses()
    await harness.refused(post, 400, 'InvalidRequest')
    await harness.close()
    const listen = `127.0.0.1:${await freePort()}`
    const objects = { listen, publicUrl: 'https://files.example.com/objects' }
    await start({ objects }, { objectsAt: `http://${listen}` })
    await refuses()
    await refuses({ host: 'localhost' })
  })

  test('accepts it in development mode for any server name', async () => {
    await start({}, { dev: true })
    await accepts({ host: 'files.test' })
    await accepts({ via: '1.1 proxy' })
  })
})

test('objects.sigV2: off refuses it on loopback and in development mode', async () => {
  await start({ objects: { sigV2: 'off' } })
  await refuses()
  await harness.refused(post, 400, 'InvalidRequest')
  await harness.close()
  await start({ objects: { sigV2: 'off' } }, { dev: true })
  await refuses()
})

test('objects.sigV2: on accepts it everywhere, also below a path', async () => {
  const listen = `127.0.0.1:${await freePort()}`
  const objects = { listen, publicUrl: 'https://files.example.com/objects', sigV2: 'on' }
  await start({ objects }, { objectsAt: `http://${listen}` })
  await accepts()
  await accepts({ 'x-forwarded-for': '203.0.113.1' })
})
