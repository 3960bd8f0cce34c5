/** Security cases 81 to 83: which credentials are accepted. */
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { EncryptJWT, exportJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeKey, serveKeySet, signWith, type KeySetServer } from '../fixtures/key-set.ts'
import { startGateway, testSecrets, type RunningGateway } from '../fixtures/gateway.ts'
import { call, callerWith } from './caller.ts'
import { serveApi } from './serve-api.ts'

const secret = new TextEncoder().encode(testSecrets.jwtSecret)
const providerKey = makeKey('one')
const publicPem = providerKey.publicKey.export({ type: 'spki', format: 'pem' }) as string
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const handmade = (header: object, payload: object, key: string | null) => {
  const input = `${base64url(header)}.${base64url(payload)}`
  return `${input}.${key === null ? '' : createHmac('sha256', key).update(input).digest('base64url')}`
}
const signed = (claims: Record<string, unknown>, header: object = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(secret)

let gateway: RunningGateway
let keySet: KeySetServer

beforeAll(async () => {
  keySet = await serveKeySet([providerKey])
  gateway = await startGateway({
    auth: {
      jwksUrl: keySet.url,
      allowSecretWithJwks: true,
      issuer: 'https://login.example.com',
      audience: 'postern',
    },
  })
})
afterAll(async () => {
  await gateway?.close()
  keySet.close()
})

const good = () => ({ sub: 'alice', exp: inAnHour(), iss: 'https://login.example.com', aud: 'postern' })
const rs256 = (claims: Record<string, unknown>, header: object = {}) => signWith(providerKey, claims, header)
const list = (authorization: string) => call(`${gateway.apiUrl}/files`, { headers: { authorization } })

test('accepts a token of the shared secret, and one of the key set', async () => {
  expect((await list(`Bearer ${await signed(good())}`)).status).toBe(200)
  expect((await list(`bearer ${await rs256(good())}`)).status).toBe(200)
  expect((await list(`Bearer ${await rs256({ ...good(), aud: ['other', 'postern'] })}`)).status).toBe(200)
})

test.each<[string, () => string | Promise<string>]>([
  ['alg none', () => handmade({ alg: 'none' }, good(), null)],
  ['alg None, in other letters', () => handmade({ alg: 'NoNe' }, good(), null)],
  ['HS256 with the public key as the secret', () => handmade({ alg: 'HS256', kid: 'one' }, good(), publicPem)],
  ['HS256 with an empty secret', () => handmade({ alg: 'HS256' }, good(), '')],
  ['another secret', () => handmade({ alg: 'HS256' }, good(), 'another-secret-another-secret-another')],
  [
    'a changed payload',
    async () => (await signed(good())).replace(/\.[^.]+\./, `.${base64url({ ...good(), sub: 'eve' })}.`),
  ],
  ['the wrong audience', () => signed({ ...good(), aud: 'other' })],
  ['no audience', () => signed({ ...good(), aud: undefined })],
  ['the wrong issuer', () => signed({ ...good(), iss: 'https://evil.example.com' })],
  ['no expiry', () => signed({ ...good(), exp: undefined })],
  ['an expiry that has passed', () => signed({ ...good(), exp: inAnHour() - 3600 - 61 })],
  [
    'an expiry that is no number',
    () => handmade({ alg: 'HS256' }, { ...good(), exp: '9999999999' }, testSecrets.jwtSecret),
  ],
  ['a beginning yet to come', () => signed({ ...good(), nbf: inAnHour() })],
  ['no user', () => signed({ ...good(), sub: undefined })],
  ['an empty user', () => signed({ ...good(), sub: '' })],
  [
    'a user that is an object',
    () => handmade({ alg: 'HS256' }, { ...good(), sub: { $ne: null } }, testSecrets.jwtSecret),
  ],
  ['a user of 256 characters', () => signed({ ...good(), sub: 'x'.repeat(256) })],
  ['a kid that is a path', () => handmade({ alg: 'HS256', kid: '../../../dev/null' }, good(), '')],
  ['an unknown kid', () => rs256(good(), { kid: '/etc/passwd' })],
  [
    'an embedded key',
    async () => {
      const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const jwk = await exportJWK(own.publicKey)
      return new SignJWT(good()).setProtectedHeader({ alg: 'RS256', kid: 'one', jwk }).sign(own.privateKey)
    },
  ],
  ['an unknown critical header', () => handmade({ alg: 'HS256', crit: ['x'], x: 1 }, good(), testSecrets.jwtSecret)],
  [
    'an encrypted token',
    () =>
      new EncryptJWT(good()).setProtectedHeader({ alg: 'dir', enc: 'A128CBC-HS256' }).encrypt(secret.subarray(0, 32)),
  ],
  ['no token at all', () => 'x'],
  ['half a token', async () => (await signed(good())).split('.').slice(0, 2).join('.')],
])('%s is 401', async (_, make) => {
  const { status, headers, json } = await list(`Bearer ${await make()}`)
  expect([status, json.code]).toEqual([401, 'Unauthenticated'])
  expect(headers.get('www-authenticate')).toBe('Bearer realm="postern", error="invalid_token"')
})

test.each(['Basic YTpi', 'Bearer', 'Bearer a b', 'Token x', 'Bearer x, Bearer y'])(
  'Authorization: %s is 401',
  async (header) => {
    expect((await list(header)).status).toBe(401)
  },
)

test('without credentials, the response says how to get some', async () => {
  const { status, headers, json } = await call(`${gateway.apiUrl}/files`)
  expect(status).toBe(401)
  expect(headers.get('www-authenticate')).toBe('Bearer realm="postern"')
  expect(json.detail).toMatch(/postern token --sub/)
  expect(json.error).toBe(json.detail)
})

test('a cached token is rejected once it expires', async () => {
  let ahead = 0
  const timed = await startGateway({}, { now: () => new Date(Date.now() + ahead) })
  try {
    const token = await timed.token('alice')
    const user = callerWith(timed.apiUrl, { authorization: `Bearer ${token}` })
    expect((await user.get('/files')).status).toBe(200)
    ahead = (3600 + 61) * 1000
    expect((await user.get('/files')).json.detail).toMatch(/expired/)
  } finally {
    await timed.close()
  }
})

test('an unreachable key set is a server error, not a user error', async () => {
  const other = await startGateway({ auth: { jwksUrl: keySet.url } })
  keySet.up = false
  try {
    const { status, json } = await call(`${other.apiUrl}/files`, {
      headers: { authorization: `Bearer ${await rs256(good())}` },
    })
    expect([status, json.code]).toEqual([503, 'Unavailable'])
    expect(json.detail).toBe(`The server failed to process the request. Request id: ${json.requestId}.`)
  } finally {
    keySet.up = true
    await other.close()
  }
})

describe('by cookie', () => {
  const byCookie = async (headers: Record<string, string>, method = 'GET', path = '/files') =>
    call(gateway.apiUrl + path, {
      method,
      headers: { cookie: `a=b; postern_token=${await signed(good())}`, ...headers },
    })

  test('serves its own page and clients that are not browsers', async () => {
    expect((await byCookie({})).status).toBe(200)
    expect((await byCookie({ origin: gateway.apiUrl })).status).toBe(200)
    expect((await byCookie({ 'sec-fetch-site': 'same-origin' }, 'POST', '/files/upload-url')).status).toBe(400)
    expect((await byCookie({ 'sec-fetch-site': 'cross-site' }, 'GET')).status).toBe(200)
  })

  test.each(['https://evil.example.com', 'null', 'http://127.0.0.1:1', 'not an origin', '*'])(
    'Origin %s is refused',
    async (origin) => {
      for (const method of ['GET', 'POST']) {
        const { status, json } = await byCookie({ origin }, method, method === 'GET' ? '/files' : '/files/upload-url')
        expect([status, json.code]).toEqual([403, 'OriginRefused'])
      }
    },
  )

  test.each(['cross-site', 'same-site'])(
    'a change that a %s page asked for without saying so is refused',
    async (site) => {
      expect((await byCookie({ 'sec-fetch-site': site }, 'POST', '/files/confirm')).status).toBe(403)
      expect((await byCookie({ 'sec-fetch-site': site }, 'DELETE', '/files/x')).status).toBe(403)
    },
  )

  test('a bearer token needs no origin, because no page can make a browser send it', async () => {
    const authorization = `Bearer ${await signed(good())}`
    expect((await byCookie({ authorization, origin: 'https://app.example.com' })).status).toBe(200)
  })

  test('serves a listed origin with credentials, but not a similar one', async () => {
    const listed = await startGateway({ cors: { origins: ['https://app.example.com'] } })
    try {
      const cookie = `postern_token=${await listed.token('alice')}`
      const from = (origin: string) => call(`${listed.apiUrl}/files`, { headers: { cookie, origin } })
      const { status, headers } = await from('https://app.example.com')
      expect(status).toBe(200)
      expect(headers.get('access-control-allow-origin')).toBe('https://app.example.com')
      expect(headers.get('access-control-allow-credentials')).toBe('true')
      for (const origin of ['https://app.example.com.evil.org', 'http://app.example.com', 'https://xapp.example.com']) {
        const refused = await from(origin)
        expect(refused.status).toBe(403)
        expect(refused.headers.get('access-control-allow-origin')).toBeNull()
        expect(refused.headers.get('vary')).toMatch(/Origin/)
      }
    } finally {
      await listed.close()
    }
  })

  test('the configured URL is the only own origin', async () => {
    const { config } = gateway.gateway
    const publicUrl = 'https://files.example.com'
    const api = await serveApi(gateway, {
      config: { ...config, server: { ...config.server, publicUrl }, cors: { origins: [] } },
      urls: { api: () => publicUrl },
    })
    try {
      const cookie = `postern_token=${await signed(good())}`
      const from = async (origin: string) => (await call(`${api.url}/files`, { headers: { cookie, origin } })).status
      expect(await from(publicUrl)).toBe(200)
      expect(await from('http://files.example.com')).toBe(403)
      expect(await from(api.url)).toBe(403)
    } finally {
      api.close()
    }
  })
})
