/** The tokens that are accepted with a key set and with a secret, and the messages of refusals. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startGateway, type Overrides, type RunningGateway } from '../fixtures/gateway.ts'
import { makeKey, serveKeySet, signWith, type KeySetServer } from '../fixtures/key-set.ts'
import { call } from './caller.ts'

let gateway: RunningGateway
let keySet: KeySetServer
const one = makeKey('one')

beforeEach(async () => {
  keySet = await serveKeySet([one])
})
afterEach(async () => {
  await gateway?.close()
  keySet.close()
})

const start = async (auth: Overrides, o: Parameters<typeof startGateway>[1] = {}): Promise<void> => {
  gateway = await startGateway({ auth }, o)
}
const withKeySet = (auth: Overrides = {}): Promise<void> => start({ jwksUrl: keySet.url, ...auth })

async function send(token: string): Promise<{ status: number; detail: string; issuer?: string }> {
  const { status, json } = await call(`${gateway.apiUrl}/files`, { headers: { authorization: `Bearer ${token}` } })
  const { issuer } = (json as unknown as { details?: { issuer?: string } }).details ?? {}
  return { status, detail: json.detail, ...(issuer === undefined ? {} : { issuer }) }
}
const now = () => Math.floor(Date.now() / 1000)

describe('with auth.jwksUrl', () => {
  test('a token signed with the shared secret is refused, and the response names both solutions', async () => {
    await withKeySet()
    const { status, detail, issuer } = await send(await gateway.token('alice'))
    expect(status).toBe(401)
    expect(detail).toMatch(/HS256.*auth\.jwksUrl.*auth\.allowSecretWithJwks: true/)
    expect(issuer).toBe('identity-provider')
    expect((await send(await signWith(one, { sub: 'alice' }))).status).toBe(200)
    const upload = await call(`${gateway.apiUrl}/files/upload-url`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await gateway.token('alice')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ filename: 'a.txt', mimeType: 'text/plain' }),
    })
    expect(upload.status).toBe(401)
    expect((await gateway.gateway.catalog.usage('alice')).reservedFiles).toBe(0)
  })

  test('a cookie with a token signed with the shared secret is refused as well', async () => {
    await withKeySet()
    const cookie = `postern_token=${await gateway.token('alice')}`
    expect((await call(`${gateway.apiUrl}/files`, { headers: { cookie } })).status).toBe(401)
  })

  test('auth.allowSecretWithJwks accepts both', async () => {
    await withKeySet({ allowSecretWithJwks: true })
    expect((await send(await gateway.token('alice'))).status).toBe(200)
    expect((await send(await signWith(one, { sub: 'alice' }))).status).toBe(200)
  })

  test('no response advises `postern token`', async () => {
    await withKeySet()
    const stranger = makeKey('one')
    const tokens = ['x', await gateway.token('alice'), await signWith(stranger, { sub: 'alice' })]
    for (const token of tokens) expect((await send(token)).detail).not.toMatch(/postern token/)
    const { json } = await call(`${gateway.apiUrl}/files`)
    expect(json.detail).toMatch(/identity provider/)
    expect(json.detail).not.toMatch(/postern token/)
  })

  test('a token without a key id is tried with every key of its algorithm', async () => {
    const unnamed = [makeKey(), makeKey(), makeKey(undefined, 'ES256')]
    keySet.keys = [one, ...unnamed]
    await withKeySet()
    for (const key of keySet.keys) {
      const { kid: _, ...withoutId } = key
      expect((await send(await signWith(withoutId, { sub: 'alice' }))).status).toBe(200)
    }
    const { status, detail } = await send(await signWith(makeKey(), { sub: 'alice' }))
    expect(status).toBe(401)
    expect(detail).toMatch(/signature does not match the key set/)
  })

  test('an unknown key id is looked up at once, at most once in 5 s', async () => {
    await withKeySet()
    // The set is fetched with the first token.
    const two = makeKey('two')
    keySet.keys = [one, two]
    expect((await send(await signWith(two, { sub: 'alice' }))).status).toBe(200)
    expect(keySet.fetches).toBe(1)
    for (let i = 0; i < 20; i++) {
      const { status, detail } = await send(await signWith(one, { sub: 'alice' }, { kid: `made-up-${i}` }))
      expect(status).toBe(401)
      expect(detail).toContain(`no "RS256" key with the key id "made-up-${i}"`)
    }
    expect(keySet.fetches).toBe(1)
  })

  test('a newly published key is found 5 s after the last fetch', async () => {
    await withKeySet()
    expect((await send(await signWith(one, { sub: 'alice' }))).status).toBe(200)
    const later = makeKey('later')
    const unnamed = makeKey()
    keySet.keys = [one, later, unnamed]
    const rotated = await signWith(later, { sub: 'alice' })
    expect((await send(rotated)).status).toBe(401)
    await new Promise((resolve) => setTimeout(resolve, 5100))
    expect((await send(rotated)).status).toBe(200)
    expect((await send(await signWith(unnamed, { sub: 'alice' }))).status).toBe(200)
    expect(keySet.fetches).toBe(2)
  })

  test('a key set that does not respond is not fetched for every token', async () => {
    await withKeySet()
    keySet.up = false
    for (let i = 0; i < 10; i++) expect((await send(await signWith(one, { sub: `user-${i}` }))).status).toBe(503)
    expect(keySet.fetches).toBe(1)
  })
})

describe('auth.clockTolerance', () => {
  test('tolerates 60 s for nbf, iat and exp by default', async () => {
    await start({})
    for (const claims of [{ nbf: now() + 50 }, { iat: now() + 50 }, { exp: now() - 50 }])
      expect((await send(await gateway.token('alice', claims))).status).toBe(200)
    for (const claims of [{ nbf: now() + 90 }, { iat: now() + 90 }, { exp: now() - 70 }])
      expect((await send(await gateway.token('alice', claims))).status).toBe(401)
  })

  test('the refusal of a token that is not valid yet gives the difference of the clocks in seconds', async () => {
    await start({ clockTolerance: '5s' }, { now: () => new Date(1_800_000_000_000) })
    const claims = { exp: 1_800_003_600 }
    for (const claim of ['nbf', 'iat']) {
      const { status, detail } = await send(await gateway.token('alice', { ...claims, [claim]: 1_800_000_095 }))
      expect(status).toBe(401)
      expect(detail).toContain(`its ${claim} is 95 s ahead of this server's clock, and the tolerance is 5 s`)
      expect(detail).toMatch(/NTP, or raise auth\.clockTolerance/)
    }
  })

  test('0 tolerates nothing, for tokens of a key set too', async () => {
    await withKeySet({ clockTolerance: 0, allowSecretWithJwks: true })
    for (const make of [
      (claims: object) => gateway.token('alice', { ...claims }),
      (claims: object) => signWith(one, { sub: 'alice', ...claims }),
    ]) {
      expect((await send(await make({ exp: now() - 1 }))).detail).toMatch(/token expired \d+ s ago/)
      expect((await send(await make({ iat: now() + 30 }))).detail).toMatch(/not valid yet/)
      expect((await send(await make({}))).status).toBe(200)
    }
  })
})

describe('the refusal of a token gives the reason', () => {
  const good = { aud: 'files', iss: 'https://id.example.com' }
  const cases: [string, (token: string) => string | Promise<string>, RegExp][] = [
    ['malformed', () => 'abc.def', /malformed: it is not a signed JSON Web Token/],
    ['a header that is no JSON', () => `eyJhbGciOi${'x'.repeat(20)}.eyJzdWIiOiJhIn0.abc`, /malformed/],
    ['half a token', (token) => token.split('.').slice(0, 2).join('.'), /malformed/],
    [
      'another secret',
      (token) => `${token.split('.').slice(0, 2).join('.')}.${'A'.repeat(43)}`,
      /signature does not match `auth\.secret`.*POSTERN_AUTH_SECRET/,
    ],
    [
      'no expiry',
      () => gateway.token('alice', { ...good, exp: undefined }),
      /no expiry\. Add one, for example `expiresIn: '1h'`/,
    ],
    [
      'no audience',
      () => gateway.token('alice', { ...good, aud: undefined }),
      /no audience.*"files" \(auth\.audience\)/,
    ],
    [
      'another audience',
      () => gateway.token('alice', { ...good, aud: 'shop' }),
      /\(aud\) is "shop", but this server expects "files"/,
    ],
    [
      'another issuer',
      () => gateway.token('alice', { ...good, iss: 'https://evil.example.com' }),
      /issuer \(iss\) is "https:\/\/evil/,
    ],
    ['an expiry in the past', () => gateway.token('alice', { ...good, exp: now() - 3600 }), /expired 36\d\d s ago/],
    [
      'a key of a key set',
      () => signWith(one, { sub: 'alice', aud: 'files' }),
      /algorithm "RS256" is not accepted.*HS256/,
    ],
  ]
  test.each(cases)('%s', async (_, make, words) => {
    await start({ audience: 'files', issuer: 'https://id.example.com' })
    const token = await gateway.token('alice', good)
    expect((await send(token)).status).toBe(200)
    const { status, detail } = await send(await make(token))
    expect(status).toBe(401)
    expect(detail).toMatch(words)
  })

  test('claims of a token are shown shortened and on one line', async () => {
    await start({ audience: 'files' })
    const { detail } = await send(await gateway.token('alice', { aud: `a\n${'b'.repeat(5000)}` }))
    expect(detail.length).toBeLessThan(400)
    expect(detail).not.toContain('\n')
  })
})
