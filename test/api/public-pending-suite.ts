/**
 * Public files do not serve unverified content. An unconfirmed file is served after verification, with the headers of
 * its record. Disk, a bucket and a proxied bucket run this suite over real HTTP.
 */
import { describe, expect, test } from 'vitest'
import type { RunningGateway } from '../fixtures/gateway.ts'
import { call, put, textFile, type Caller, type Json } from './caller.ts'
import { html, withGateway, type Bench, type Start } from './invariants.ts'

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const added = {
  'cache-control': 'public, max-age=31536000, immutable',
  'content-disposition': 'inline; filename="login.html"',
}
const publicText = { ...textFile, visibility: 'public' }

export const publicPendingSuite = (name: string, start: Start): void =>
  withGateway(`${name}, a public upload that nobody has confirmed`, start, (bench) => {
    served(bench)
    granted(bench)
  })

const isDirect = ({ objectsUrl }: RunningGateway): boolean => objectsUrl === ''

function served({ start, shared, newUser, expectGone }: Bench): void {
  const issue = async (user: Caller, fields: object): Promise<Json> =>
    (await user.post('/files/upload-url', { visibility: 'public', ...fields })).json

  /** Every address at which anyone could try to read the object. */
  function addresses({ key, publicUrl }: Json): string[] {
    const { apiUrl, objectsUrl, gateway } = shared()
    const { bucket, s3 } = gateway.config.storage
    return [publicUrl!, `${apiUrl}/public/${key}`, `${objectsUrl || s3.endpoint}/${bucket}/${key}`]
  }

  async function expectUnserved(issued: Json): Promise<void> {
    for (const url of addresses(issued)) {
      for (const method of ['GET', 'HEAD']) {
        expect([403, 404]).toContain((await fetch(url, { method })).status)
      }
    }
  }

  describe('is not served', () => {
    test.each([
      ['HTML as HTML', 'text/html', html],
      ['HTML as the type of the name', 'image/png', html],
      ['HTML without a type', '', html],
    ])('with %s, where the name says PNG', async (_, type, bytes) => {
      const alice = await newUser()
      const issued = await issue(alice, { filename: 'a.png' })
      const sent = await put(issued, bytes, { ...(type && { 'content-type': type }), ...added })
      expect(sent.status).toBe(200)
      await expectUnserved(issued)
      const { status, json } = await alice.post('/files/confirm', { id: issued.id })
      expect([status, json.code]).toEqual([422, 'UploadMismatch'])
      await expectGone(issued.key)
      await expectUnserved(issued)
    })

    test('once its bytes were replaced', async () => {
      const alice = await newUser()
      const issued = await issue(alice, { filename: 'a.png' })
      await put(issued, png, { 'content-type': 'image/png' })
      expect((await fetch(issued.publicUrl!)).status).toBe(200)
      await put(issued, html, { 'content-type': 'image/png' })
      await expectUnserved(issued)
      await put(issued, png, { 'content-type': 'image/png' })
      expect((await fetch(issued.publicUrl!)).status).toBe(200)
    })

    test('if its bytes exceed the remaining quota', async () => {
      const limited = await start({ quotas: { userBytes: 10 } })
      try {
        const bob = await newUser(limited)
        const { json } = await bob.post('/files/upload-url', publicText)
        const sent = await put(json, 'x'.repeat(11))
        expect(sent.status).toBe(isDirect(limited) ? 200 : 400)
        expect([403, 404]).toContain((await fetch(json.publicUrl!)).status)
      } finally {
        await limited.close()
      }
    })
  })

  test('is served with the headers of its record, and is not cached', async () => {
    const alice = await newUser()
    const issued = await issue(alice, publicText)
    expect((await put(issued, 'text', { ...issued.headers, ...added })).status).toBe(200)
    const readers = addresses(issued).slice(0, isDirect(shared()) ? 2 : 3)
    for (const url of readers) {
      for (const method of ['GET', 'HEAD']) {
        const redirect = await fetch(url, { method, redirect: 'manual' })
        expect(redirect.headers.get('cache-control')).toBe('no-store')
      }
      const answer = await fetch(url)
      expect([answer.status, await answer.text()]).toEqual([200, 'text'])
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('content-type')).toBe('text/plain')
      expect(answer.headers.get('content-disposition')).toMatch(/filename=note\.txt$/)
    }
    const all = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(issued.publicUrl!)).status))
    expect(new Set(all)).toEqual(new Set([200]))
    expect((await alice.post('/files/confirm', { id: issued.id })).status).toBe(201)
    const confirmed = await fetch((await alice.get(`/files/${issued.id}`)).json.publicUrl!)
    expect(await confirmed.text()).toBe('text')
    expect(confirmed.headers.get('cache-control') ?? '').not.toContain('immutable')
    expect(confirmed.headers.get('content-disposition')).toBe('inline; filename=note.txt')
  })

  test("without a declared type has the type of its record, not the sender's", async () => {
    const alice = await newUser()
    const issued = await issue(alice, { filename: 'a.png' })
    expect((await put(issued, png, { 'content-type': 'image/x-anything' })).status).toBe(200)
    const answer = await fetch(issued.publicUrl!)
    // A bucket has stored what it was told. Such an object is no more served than it can be confirmed.
    const expected = isDirect(shared()) ? [404, 'application/problem+json'] : [200, 'image/png']
    expect([answer.status, answer.headers.get('content-type')]).toEqual(expected)
  })

  test('counts with its stored bytes', async () => {
    const alice = await newUser()
    const issued = await issue(alice, { ...publicText, size: 10 })
    expect((await alice.get('/files/usage')).json).toMatchObject({ bytes: 0, reservedBytes: 10, reservedFiles: 1 })
    await put(issued, '0123456789')
    expect((await fetch(issued.publicUrl!)).status).toBe(200)
    expect((await alice.get('/files/usage')).json).toMatchObject({ bytes: 10, reservedBytes: 0, reservedFiles: 1 })
    expect((await alice.post('/files/confirm', { id: issued.id })).status).toBe(201)
    expect((await alice.get('/files/usage')).json).toMatchObject({ bytes: 10, reservedBytes: 0, reservedFiles: 0 })
    await alice.delete(`/files/${issued.id}`)
    expect((await alice.get('/files/usage')).json).toMatchObject({ bytes: 0, files: 0, reservedBytes: 0 })
  })

  test('does not serve a late write to the key of a confirmed file', async () => {
    const alice = await newUser()
    const issued = await issue(alice, { filename: 'a.png' })
    await put(issued, png, { 'content-type': 'image/png' })
    expect((await alice.post('/files/confirm', { id: issued.id })).status).toBe(201)
    await put(issued, html, { 'content-type': 'image/png' })
    for (const url of addresses(issued)) expect(await (await fetch(url)).text()).not.toContain('<script>')
    expect((await fetch((await alice.get(`/files/${issued.id}`)).json.publicUrl!)).status).toBe(200)
  })
}

const ways: readonly [string, (user: Caller, fields: object) => ReturnType<Caller['post']>][] = [
  ['/files/upload-url', (user, fields) => user.post('/files/upload-url', { ...fields, visibility: 'public' })],
  [
    '/files/upload-url with a form',
    (user, fields) => user.post('/files/upload-url', { ...fields, visibility: 'public', method: 'POST' }),
  ],
  ['/files/multipart', (user, fields) => user.post('/files/multipart', { ...fields, visibility: 'public' })],
  ['/api/upload-url', (user, fields) => user.post('/api/upload-url', fields)],
]

function granted({ start, newUser }: Bench): void {
  const active = [
    ['image/svg+xml', 'a.svg'],
    ['text/html; charset=utf-8', 'a.html'],
    ['application/xhtml+xml', 'a.xhtml'],
    ['text/xml', 'a.xml'],
    ['text/javascript', 'a.js'],
    ['application/atom+xml', 'a.atom'],
  ] as const

  test.each(ways)('%s: types that browsers execute are private, unless the operator lists them', async (_, ask) => {
    const open = await start({ uploads: { allowedTypes: ['*/*', 'text/xml', 'application/xml'] } })
    try {
      const bob = await newUser(open)
      for (const [mimeType, filename] of active) {
        const { status, json } = await ask(bob, { filename, mimeType, size: 9 })
        expect([mimeType, status]).toEqual([mimeType, mimeType === 'text/xml' ? 200 : 415])
        expect(json.code ?? 'issued').toBe(mimeType === 'text/xml' ? 'issued' : 'TypeNotAllowed')
        expect((await ask(bob, { filename, size: 9 })).status === 200).toBe(filename === 'a.xml')
        expect((await bob.post('/files/upload-url', { filename, mimeType })).status).toBe(200)
      }
    } finally {
      await open.close()
    }
  })

  test.each(ways)(
    '%s: a store that serves files itself gets only uploads with declared type and size',
    async (_, ask) => {
      const overrides = { downloads: { publicBaseUrl: 'https://cdn.example.com' } }
      const open = await start({ ...overrides, uploads: { allowedTypes: ['*/*', 'image/svg+xml'] } })
      try {
        const bob = await newUser(open)
        const onS3 = open.gateway.config.storage.driver === 's3'
        const usage = (await bob.get('/files/usage')).json
        const answers = [
          await ask(bob, { filename: 'a.txt', size: 4 }),
          await ask(bob, { filename: 'a.txt', mimeType: 'text/plain' }),
          await ask(bob, { filename: 'a.svg', mimeType: 'image/svg+xml', size: 4 }),
        ]
        const refused = [400, 400, 415]
        expect(answers.map(({ status }) => status)).toEqual(onS3 ? refused : [200, 200, 200])
        const remedies = ['Send mimeType', 'Send size', 'visibility "private"']
        const told = answers.map(({ json }, i) => (json.detail ?? '').includes(remedies[i]!))
        expect(told).toEqual(remedies.map(() => onS3))
        expect(isSame((await bob.get('/files/usage')).json, usage)).toBe(onS3)
        expect((await ask(bob, { filename: 'a.txt', mimeType: 'text/plain', size: 4 })).status).toBe(200)
        expect((await bob.post('/files/upload-url', { filename: 'a.svg' })).status).toBe(200)
      } finally {
        await open.close()
      }
    },
  )

  test('its URLs expire uploads.maxExpiresIn after the first', async () => {
    const begun = Date.now()
    let minutes = 0
    const open = await start({ uploads: { maxExpiresIn: 3600 } }, { now: () => new Date(begun + minutes * 60_000) })
    try {
      const bob = await newUser(open)
      for (const fields of [{}, { visibility: 'public' }, { method: 'POST', visibility: 'public' }]) {
        minutes = 0
        const { json: issued } = await bob.post('/files/upload-url', { ...textFile, ...fields })
        const renew = (): ReturnType<Caller['post']> => bob.post(`/files/${issued.id}/upload-url`, { expiresIn: 3000 })
        expect((await renew()).json.expiresIn).toBe(3000)
        minutes = 50
        expect((await renew()).json.expiresIn).toBe(600)
        minutes = 60
        const { status, json } = await renew()
        expect([status, json.code]).toEqual([404, 'NotFound'])
        expect(json.detail).toContain('uploads.maxExpiresIn')
        minutes = 1
      }
    } finally {
      await open.close()
    }
  })

  test('by the shorthand works right after the PUT, for a client that sends the file type or none', async () => {
    const alice = await newUser()
    for (const [fields, headers] of [
      [{ fileName: 'a.png', fileType: 'image/png' }, { 'content-type': 'image/png' }],
      [{ fileName: 'a.png' }, { 'content-type': 'image/png' }],
      [{ fileName: 'a.png' }, {}],
    ] as const) {
      const { json } = await alice.post('/api/upload-url', fields)
      expect((await call(json.uploadUrl, { method: 'PUT', headers, body: png })).status).toBe(200)
      const shown = await fetch(json.publicUrl!)
      expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'image/png'])
      expect((await alice.get(`/files/${json.id}`)).json.status).toBe('confirmed')
    }
  })
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
