/** The console's routes other than files: status, unfinished uploads, and settings. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListedSetting } from '../../src/config/list-settings.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { as, call, put, store, textFile, upload, type Caller, type Json } from './caller.ts'

const hiddenSecret = 'secret-of-a-key-0123456789abcdef0123456789'

let gateway: RunningGateway
let alice: Caller
let bob: Caller
let root: Caller

beforeAll(async () => {
  gateway = await startGateway({
    auth: { admins: ['root', 'guest'], anonymous: null },
    uploads: { partSize: '5MiB' },
    quotas: { userBytes: '10GiB' },
    keys: [{ accessKeyId: 'backup', secretAccessKey: hiddenSecret, owner: 'ops' }],
    storage: { s3: { secretAccessKey: hiddenSecret } },
  })
  ;[alice, bob, root] = [await as(gateway, 'alice'), await as(gateway, 'bob'), await as(gateway, 'root')]
})
afterAll(() => gateway?.close())

const foreign = async (path: string) =>
  call(gateway.apiUrl + path, {
    headers: { cookie: `postern_token=${await gateway.token('root')}`, origin: 'https://evil.example' },
  })

describe.each(['/console/status', '/console/uploads', '/console/settings'])('%s', (path) => {
  it('returns the user, and rejects a cookie from a foreign page', async () => {
    expect((await call(gateway.apiUrl + path)).json.code).toBe('Unauthenticated')
    const refused = await foreign(path)
    expect([refused.status, refused.json.code]).toEqual([403, 'OriginRefused'])
    expect((await root.get(path)).status).toBe(200)
    expect((await root.post(path)).status).toBe(405)
  })
})

describe('GET /console/status', () => {
  it('returns the store and the limits, without local paths', async () => {
    const { text, json } = await alice.get('/console/status')
    expect(json).toMatchObject({
      user: 'alice',
      admin: false,
      store: { driver: 'disk', bucket: 'postern', folder: 'storage' },
      objectsUrl: gateway.objectsUrl,
      limits: { maxSize: 100 * 2 ** 20, partSize: 5 * 2 ** 20, quota: { bytes: 10 * 2 ** 30, files: null } },
    })
    expect((json as unknown as { store: { freeBytes: number } }).store.freeBytes).toBeGreaterThan(2 ** 20)
    expect(text).not.toContain(gateway.dir)
    expect((await root.get('/console/status')).json).toMatchObject({ user: 'root', admin: true })
  })
})

type Pending = Json & {
  state: string
  storedBytes?: number
  storedParts?: number
  stored?: number[][]
  multipart: unknown
}
const pending = async (user: Caller, query = ''): Promise<{ uploads: Pending[]; nextCursor: string | null }> =>
  (await user.get(`/console/uploads?progress=true${query}`)).json as never

describe('GET /console/uploads', () => {
  it('lists the missing parts of each upload, only to its owner', async () => {
    await store(alice, 'done')
    const never = (await alice.post('/files/upload-url', { ...textFile, filename: 'never.txt', size: 9 })).json
    const unconfirmed = await upload(alice, 'twelve bytes', { filename: 'unconfirmed.txt' })
    const multipart = { filename: 'film.mp4', mimeType: 'video/mp4', size: 12 * 2 ** 20 }
    const inParts = (await alice.post('/files/multipart', multipart)).json
    const urls = (await alice.post(`/files/multipart/${inParts.id}/parts`, { partNumbers: [1, 3] }))
      .json as unknown as {
      parts: { url: string; headers: Record<string, string> }[]
    }
    const sizes = [5 * 2 ** 20, 2 * 2 ** 20]
    for (const [i, { url, headers }] of urls.parts.entries())
      expect((await put({ uploadUrl: url, headers }, new Uint8Array(sizes[i]!))).status).toBe(200)

    const { uploads } = await pending(alice)
    expect(uploads.map(({ id, state }) => [id, state])).toEqual([
      [inParts.id, 'in-parts'],
      [unconfirmed.id, 'not-confirmed'],
      [never.id, 'never-sent'],
    ])
    expect(uploads[0]).toMatchObject({
      filename: 'film.mp4',
      method: 'MULTIPART',
      size: 12 * 2 ** 20,
      multipart: { partSize: 5 * 2 ** 20, partCount: 3 },
      storedParts: 2,
      storedBytes: 7 * 2 ** 20,
      stored: [
        [1, 1],
        [3, 3],
      ],
    })
    expect(uploads[1]).toMatchObject({ method: 'PUT', storedBytes: 12 })
    expect(uploads[2]).toMatchObject({ method: 'PUT', size: 9, multipart: null })
    expect(Date.parse(uploads[2]!.expiresAt)).toBeGreaterThan(Date.now())
    expect((await pending(bob)).uploads).toEqual([])

    const page = await pending(alice, '&limit=2')
    expect(page.uploads).toHaveLength(2)
    expect((await pending(alice, `&limit=2&cursor=${page.nextCursor}`)).uploads.map(({ id }) => id)).toEqual([never.id])
    expect((await alice.get('/console/uploads?cursor=x')).status).toBe(400)

    await alice.delete(`/files/multipart/${inParts.id}`)
    await alice.post('/files/confirm', { id: unconfirmed.id })
    await alice.delete(`/files/${never.id}`)
    expect((await pending(alice)).uploads).toEqual([])
  })
})

describe('GET /console/settings', () => {
  const settings = async (): Promise<ListedSetting[]> =>
    ((await root.get('/console/settings')).json as unknown as { settings: ListedSetting[] }).settings
  const byKey = async (key: string): Promise<ListedSetting | undefined> =>
    (await settings()).find((setting) => setting.key === key)

  it('serves only administrators, and tells others how to become one', async () => {
    const { status, json, headers } = await alice.get('/console/settings')
    expect([status, json.code]).toEqual([403, 'AccessDenied'])
    expect(headers.get('content-type')).toContain('application/problem+json')
    expect(json.detail).toContain('auth.admins')
    expect(json.detail).toContain('"alice"')
  })

  it('lists every key with its variable, default and purpose', async () => {
    expect(await byKey('uploads.partSize')).toEqual({
      key: 'uploads.partSize',
      value: 5 * 2 ** 20,
      default: '8MiB',
      source: { from: 'program', text: 'the program that runs the gateway' },
      variable: 'POSTERN_UPLOADS_PART_SIZE',
      secret: false,
      description: 'The part size of multipart uploads, 5MiB to 5GiB.',
    })
    expect((await byKey('server.listen'))?.value).toBe('127.0.0.1:0')
    for (const { key, description } of await settings()) expect([key, description]).not.toEqual([key, ''])
  })

  it('masks secrets everywhere', async () => {
    const { text } = await root.get('/console/settings')
    expect(text).not.toContain(hiddenSecret)
    expect(text).toContain('backup')
    expect(await byKey('storage.s3.secretAccessKey')).toMatchObject({ value: '********', secret: true })
    expect((await byKey('auth.secret'))?.value).toBe('auto')
  })
})

describe('an administrator', () => {
  it('is the user of --dev, but otherwise no request without credentials', async () => {
    const dev = await startGateway({}, { dev: true })
    const open = await startGateway({ auth: { admins: ['guest'], anonymous: 'guest' } })
    try {
      expect((await call(`${dev.apiUrl}/console/settings`)).status).toBe(200)
      expect(
        (await call(`${dev.apiUrl}/console/settings`, { headers: { origin: 'https://evil.example' } })).status,
      ).toBe(401)
      expect((await (await as(dev, 'carol')).get('/console/settings')).status).toBe(403)
      expect((await call(`${open.apiUrl}/console/settings`)).status).toBe(403)
      expect((await (await as(open, 'guest')).get('/console/settings')).status).toBe(200)
    } finally {
      await Promise.all([dev.close(), open.close()])
    }
  })
})
