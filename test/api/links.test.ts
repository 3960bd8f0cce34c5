/** Share links, on the disk and with a proxied bucket. */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { startBucketBehind, type BucketBehind } from '../fixtures/bucket-behind.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { as, call, store, upload, type Answer, type Caller, type Json } from './caller.ts'

let behind: BucketBehind
beforeAll(async () => {
  behind = await startBucketBehind()
})
afterAll(() => behind.close())

describe.each(['disk', 'proxied'] as const)('links: %s', (kind) => {
  let gateway: RunningGateway
  let alice: Caller
  let ahead = 0
  beforeAll(async () => {
    const now = () => new Date(Date.now() + ahead * 1000)
    gateway = await (kind === 'disk' ? startGateway({}, { now }) : behind.start(kind, {}, { now }))
    alice = await as(gateway, 'alice', { exp: Math.floor(Date.now() / 1000) + 1e6 })
  })
  afterAll(() => gateway.close())

  const made = async (fields: object = {}): Promise<{ file: Json; link: Json }> => {
    const file = await store(alice, 'hello')
    const { status, json } = await alice.post(`/files/${file.id}/links`, fields)
    expect(status).toBe(201)
    return { file, link: json }
  }
  const target = ({ headers }: Answer): string => headers.get('location') ?? ''

  it('have the requested limits, and serve anyone', async () => {
    const { file, link } = await made({ maxUses: 2, expiresIn: 3600 })
    expect(link).toMatchObject({ maxUses: 2, uses: 0 })
    expect(link.url).toMatch(new RegExp(`^${gateway.apiUrl}/l/[\\w-]{43}$`))
    expect(Math.abs(Date.parse(link.expiresAt) - Date.now() - 3_600_000)).toBeLessThan(10_000)
    const answer = await call(link.url)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([302, 'no-store'])
    const bytes = await fetch(target(answer))
    expect(await bytes.text()).toBe('hello')
    expect(bytes.headers.get('cache-control')).toContain('no-store')
    expect(bytes.headers.get('content-disposition')).toContain('note.txt')
    const listed = (await alice.get(`/files/${file.id}/links`)).json.links
    expect(listed).toMatchObject([{ id: link.id, maxUses: 2, uses: 1, expiresAt: link.expiresAt }])
    expect(JSON.stringify(listed)).not.toContain(link.url.slice(-43))
  })

  it('have no expiry and no limit by default', async () => {
    const { link } = await made()
    expect(link).toMatchObject({ maxUses: null, expiresAt: null, uses: 0 })
    for (let i = 0; i < 3; i++) expect((await call(link.url)).status).toBe(302)
  })

  const reader = (agent: string, headers: Record<string, string> = {}) => ({
    headers: { 'user-agent': agent, ...headers },
  })
  const usesOf = async (file: Json) => (await alice.get(`/files/${file.id}/links`)).json.links.map(({ uses }) => uses)

  it('serve exactly maxUses of 50 concurrent readers', async () => {
    const { file, link } = await made({ maxUses: 3 })
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => call(link.url, reader(`reader ${i}`))))
    expect(answers.filter(({ status }) => status === 302)).toHaveLength(3)
    expect(answers.filter(({ status }) => status === 404)).toHaveLength(47)
    expect((await alice.get(`/files/${file.id}/links`)).json.links).toMatchObject([{ uses: 3 }])
    // The last use is one, and what it was handed still works.
    const used = answers.find(({ status }) => status === 302)
    expect(await (await fetch(target(used!))).text()).toBe('hello')
  })

  it('count 50 concurrent requests of one reader as one use', async () => {
    const { file, link } = await made({ maxUses: 1 })
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => call(link.url, reader('player', i % 2 ? { range: 'bytes=0-1' } : {}))),
    )
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 302))
    expect(await usesOf(file)).toEqual([1])
    expect((await call(link.url, { ...reader('player'), method: 'HEAD' })).status).toBe(302)
    expect((await call(link.url, reader('another player'))).status).toBe(404)
    ahead += 60
    expect((await call(link.url, reader('player'))).status).toBe(404)
    expect(await usesOf(file)).toEqual([1])
  })

  it("recognise a reader by the redirect's cookie if address or agent changes", async () => {
    const { file, link } = await made({ maxUses: 1 })
    const first = await call(link.url, reader('one'))
    const set = first.headers.get('set-cookie') ?? ''
    expect(set).toMatch(/^postern_link=[\w-]{22}; Path=\/l\/[\w-]{43}; Max-Age=60; HttpOnly; SameSite=Lax$/)
    const cookie = set.split(';')[0]!
    const again = await call(link.url, reader('two', { cookie }))
    expect([again.status, again.headers.get('set-cookie')]).toEqual([302, null])
    expect((await call(link.url, reader('two', { cookie: 'postern_link=AAAAAAAAAAAAAAAAAAAAAA' }))).status).toBe(404)
    expect(await usesOf(file)).toEqual([1])
    const { link: other } = await made({ maxUses: 1 })
    await call(other.url, reader('one'))
    expect((await call(other.url, reader('two', { cookie }))).status).toBe(404)
    ahead += 60
    expect((await call(link.url, reader('two', { cookie }))).status).toBe(404)
  })

  it('count the same reader again after the minute of its redirect', async () => {
    const { file, link } = await made({ maxUses: 2 })
    for (const seconds of [0, 59, 1]) {
      ahead += seconds
      expect((await call(link.url, reader('one'))).status).toBe(302)
    }
    expect(await usesOf(file)).toEqual([2])
  })

  it.each([
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { purpose: 'prefetch' },
    { 'x-moz': 'prefetch' },
  ])('give a prefetch nothing and count nothing: %o', async (headers) => {
    const { file, link } = await made({ maxUses: 1 })
    for (const method of ['GET', 'HEAD']) {
      const answer = await call(link.url, { method, headers: headers as Record<string, string> })
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([204, 'no-store'])
      expect([answer.headers.get('location'), answer.headers.get('set-cookie')]).toEqual([null, null])
    }
    expect(await usesOf(file)).toEqual([0])
    expect((await call(link.url)).status).toBe(302)
  })

  it('do not count HEAD, whose redirect allows only HEAD', async () => {
    const { file, link } = await made({ maxUses: 1 })
    const head = await call(link.url, { method: 'HEAD' })
    const looked = await fetch(target(head), { method: 'HEAD' })
    expect([head.status, looked.status, looked.headers.get('content-length')]).toEqual([302, 200, '5'])
    expect((await fetch(target(head))).status).toBe(403)
    expect((await alice.get(`/files/${file.id}/links`)).json.links).toMatchObject([{ uses: 0 }])
    expect((await call(link.url)).status).toBe(302)
  })

  it('are revoked together with the URLs that they issued', async () => {
    const { file, link } = await made()
    const get = target(await call(link.url))
    const head = target(await call(link.url, { method: 'HEAD' }))
    expect([(await fetch(get)).status, (await fetch(head, { method: 'HEAD' })).status]).toEqual([200, 200])
    expect((await alice.delete(`/files/${file.id}/links/${link.id}`)).status).toBe(204)
    const refused = await fetch(get)
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')])
    expect((await fetch(head, { method: 'HEAD' })).status).toBe(403)
    // Without the link's id it is another URL, which nobody signed.
    expect((await fetch(get.replace(/&?x-postern-link=[^&]*/, ''))).status).toBe(403)
    expect((await call(link.url)).status).toBe(404)
    expect((await alice.delete(`/files/${file.id}/links/${link.id}`)).status).toBe(404)
    expect((await alice.get(`/files/${file.id}/links`)).json.links).toEqual([])
  })

  it('expire, and so do the URLs that they issued', async () => {
    const { link } = await made({ expiresIn: 30 })
    const answer = await call(link.url)
    const lifetime = Number(new URL(target(answer)).searchParams.get('X-Amz-Expires'))
    expect(lifetime).toBeGreaterThan(0)
    expect(lifetime).toBeLessThanOrEqual(30)
    ahead += 31
    expect((await call(link.url)).status).toBe(404)
    expect((await fetch(target(answer))).status).toBe(403)
    const { link: long } = await made({ expiresIn: 86_400 })
    expect(new URL(target(await call(long.url))).searchParams.get('X-Amz-Expires')).toBe('60')
  })

  it('are deleted with their file', async () => {
    const { file, link } = await made()
    const get = target(await call(link.url))
    await alice.delete(`/files/${file.id}`)
    expect((await call(link.url)).status).toBe(404)
    expect((await fetch(get)).status).toBe(403)
    expect((await alice.get(`/files/${file.id}/links`)).status).toBe(404)
  })

  it('cannot be created, seen or revoked by other users', async () => {
    const { file, link } = await made()
    const bob = await as(gateway, 'bob', { exp: Math.floor(Date.now() / 1000) + 1e6 })
    expect((await bob.post(`/files/${file.id}/links`, {})).status).toBe(404)
    expect((await bob.get(`/files/${file.id}/links`)).status).toBe(404)
    expect((await bob.delete(`/files/${file.id}/links/${link.id}`)).status).toBe(404)
    expect((await call(`${gateway.apiUrl}/files/${file.id}/links`, { method: 'POST' })).status).toBe(401)
    expect((await call(link.url)).status).toBe(302)
  })

  it('return the same response for unknown, revoked, used up and expired tokens', async () => {
    const [revoked, spent, expired] = [await made(), await made({ maxUses: 1 }), await made({ expiresIn: 1 })]
    await alice.delete(`/files/${revoked.file.id}/links/${revoked.link.id}`)
    await call(spent.link.url, reader('somebody else'))
    ahead += 2
    const unknown = `${gateway.apiUrl}/l/${'A'.repeat(43)}`
    const urls = [unknown, `${gateway.apiUrl}/l/short`, revoked.link.url, spent.link.url, expired.link.url]
    const answers = await Promise.all(urls.map((url) => call(url)))
    const bodies = answers.map(({ status, json }) => JSON.stringify([status, { ...json, requestId: '' }]))
    expect(new Set(bodies).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 404, json: { code: 'NotFound' } })
  })

  it.each([{ maxUses: 0 }, { maxUses: 1.5 }, { expiresIn: 0 }, { expiresIn: 400_000_000 }, { token: 'mine' }])(
    'refuse %o',
    async (fields) => {
      const file = await store(alice, 'hello')
      const { status, json } = await alice.post(`/files/${file.id}/links`, fields)
      expect([status, json.code]).toEqual([400, 'InvalidArgument'])
    },
  )

  it('require a confirmed file, and are at most a hundred', async () => {
    const { id } = await upload(alice, 'hello')
    expect((await alice.post(`/files/${id}/links`, {})).json.code).toBe('UploadIncomplete')
    await alice.post('/files/confirm', { id })
    const answers = await Promise.all(Array.from({ length: 105 }, () => alice.post(`/files/${id}/links`, {})))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(100)
    expect(answers.find(({ status }) => status !== 201)?.json.code).toBe('QuotaExceeded')
  })
})

test('a bucket that serves its own URLs has no links, and the response says what to do', async () => {
  const gateway = await behind.start('direct')
  try {
    const alice = await as(gateway, 'alice')
    const { id } = await store(alice, 'hello')
    const { status, json } = await alice.post(`/files/${id}/links`, {})
    expect([status, json.code]).toEqual([422, 'NotSupported'])
    expect(json.detail).toContain('storage.delivery to proxied')
    expect((await call(`${gateway.apiUrl}/l/${'A'.repeat(43)}`)).status).toBe(404)
  } finally {
    await gateway.close()
  }
})
