/**
 * The API's redirects, followed by pages of other origins and by clients with a bearer token: security cases 22 and
 * 104.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGateway, type Overrides, type RunningGateway } from '../fixtures/gateway.ts'
import { connect, rawHead, type RawAnswer } from '../fixtures/raw-http.ts'
import { as, call, store, textFile, type Json } from './caller.ts'

const page = 'https://app.example.com'

type Started = RunningGateway & { stop(): Promise<void> }
const onDisk = async (overrides: Overrides): Promise<Started> => {
  const gateway = await startGateway(overrides)
  return { ...gateway, stop: () => gateway.close() }
}

/** Our own endpoint is the bucket, and another gateway stands before it. */
const proxied = async (overrides: Overrides): Promise<Started> => {
  const key = { accessKeyId: 'REDIRECTTESTTESTTES1', secretAccessKey: 'a-redirect-secret-0123456789abcdef012345' }
  const bucket = await startGateway({ keys: [{ ...key, owner: 'carol' }] })
  await bucket.gateway.driver.createBucket('bucket', { owner: 'carol' })
  const s3 = { provider: 'other', endpoint: bucket.objectsUrl, region: 'us-east-1', forcePathStyle: true, ...key }
  const gateway = await startGateway({
    ...overrides,
    storage: { driver: 's3', delivery: 'proxied', bucket: 'bucket', s3 },
  })
  return {
    ...gateway,
    async stop() {
      await gateway.close()
      await bucket.close()
    },
  }
}

describe.each([
  ['disk', onDisk],
  ['a bucket behind our own endpoint', proxied],
])('%s', (_, start) => {
  describe.each([
    ['cors.origins: ["*"]', ['*'], { [page]: '*', null: 'null' }],
    ['a list of origins', [page], { [page]: page, null: null }],
  ] as const)('%s', (__, origins, allowed) => {
    let gateway: Started
    let authorization: string
    let file: Json
    let open: Json
    beforeAll(async () => {
      gateway = await start({ cors: { origins } })
      authorization = `Bearer ${await gateway.token('alice')}`
      const alice = await as(gateway, 'alice')
      file = await store(alice, 'hello')
      open = await store(alice, 'hello', { visibility: 'public' })
    })
    afterAll(() => gateway?.stop())

    const redirects = async (): Promise<[string, string, Record<string, string>][]> => {
      const alice = await as(gateway, 'alice')
      const link = (await alice.post(`/files/${file.id}/links`, {})).json.url
      return [
        ['content', `${gateway.apiUrl}/files/${file.id}/content`, { authorization }],
        ['public', `${gateway.apiUrl}/public/${open.key.replace(/^public\//, '')}`, {}],
        ['link', link, {}],
      ]
    }

    test('a redirect allows the configured origins, and its target allows every origin', async () => {
      for (const [, url, headers] of await redirects()) {
        const redirect = await call(url, { headers: { ...headers, origin: page } })
        expect(redirect.status).toBe(302)
        expect(redirect.headers.get('access-control-allow-origin')).toBe(allowed[page])
        // As a browser says it once a redirect has led from one foreign origin to another.
        const read = await fetch(redirect.headers.get('location') ?? '', { headers: { origin: 'null' } })
        expect([read.status, await read.text()]).toEqual([200, 'hello'])
        expect(read.headers.get('access-control-allow-origin')).toBe('*')
        expect(read.headers.get('access-control-allow-credentials')).toBeNull()
      }
    })

    test('a page that was redirected to the API follows its redirect only if every origin is allowed', async () => {
      for (const [, url, headers] of await redirects()) {
        const redirect = await call(url, { headers: { ...headers, origin: 'null' } })
        expect(redirect.status).toBe(302)
        expect(redirect.headers.get('access-control-allow-origin')).toBe(allowed.null)
        expect(redirect.headers.get('access-control-allow-credentials')).toBeNull()
        expect(redirect.headers.get('vary')).toMatch(/Origin/)
      }
      const list = await call(`${gateway.apiUrl}/files`, { headers: { authorization, origin: 'null' } })
      expect([list.status, list.headers.get('access-control-allow-origin')]).toEqual([200, null])
    })
  })

  describe('a bearer token next to a presigned URL', () => {
    let gateway: Started
    let token: string
    let url: URL
    let head: URL
    beforeAll(async () => {
      gateway = await start({ objects: { listen: 'shared' } })
      token = await gateway.token('alice')
      const alice = await as(gateway, 'alice')
      const { id } = await store(alice, 'hello')
      const issued = (await alice.get(`/files/${id}/download-url`)).json
      url = new URL(issued.downloadUrl)
      head = new URL(issued.headUrl)
    })
    afterAll(() => gateway?.stop())

    const send = async (method: string, to: URL, headers: Record<string, string>, body = ''): Promise<RawAnswer> => {
      const connection = await connect(to)
      try {
        await connection.send(rawHead(to.origin, method, to.pathname + to.search, headers) + body)
        return await connection.answer({ head: method === 'HEAD' })
      } finally {
        connection.close()
      }
    }
    const code = ({ status, text }: RawAnswer) => [status, /<Code>([^<]*)/.exec(text)?.[1]]

    test('is accepted on a read, so that a redirect within one origin works', async () => {
      const authorization = `Bearer ${token}`
      const followed = await fetch(`${gateway.apiUrl}/files/${await idOf()}/content`, { headers: { authorization } })
      expect([followed.status, await followed.text(), new URL(followed.url).origin]).toEqual([
        200,
        'hello',
        new URL(gateway.apiUrl).origin,
      ])
      expect((await send('GET', url, { authorization })).text).toBe('hello')
      expect((await send('HEAD', head, { authorization })).status).toBe(200)
    })

    const idOf = async (): Promise<string> => (await (await as(gateway, 'alice')).get('/files')).json.files[0]!.id

    test.each<[string, () => Promise<string> | string]>([
      ['of another server', () => gateway.token('alice').then((own) => `${own.slice(0, -4)}AAAA`)],
      ['that has expired', () => gateway.token('alice', { exp: 1 })],
      ['that is none', () => 'abc'],
    ])('is refused where it is one %s', async (__, made) => {
      const answer = await send('GET', url, { authorization: `Bearer ${await made()}` })
      expect(code(answer)).toEqual([400, 'InvalidArgument'])
      expect(answer.text).toContain('Only one auth mechanism allowed')
    })

    test('is refused next to an invalid signature, and grants nothing alone', async () => {
      const authorization = `Bearer ${token}`
      const broken = new URL(url.href.replace(/X-Amz-Signature=..../, 'X-Amz-Signature=0000'))
      expect(code(await send('GET', broken, { authorization }))).toEqual([400, 'InvalidArgument'])
      const bare = new URL(url.origin + url.pathname)
      expect(code(await send('GET', bare, { authorization }))).toEqual([400, 'InvalidArgument'])
    })

    test('is refused on a write, which changes nothing', async () => {
      const alice = await as(gateway, 'alice')
      const issued = (await alice.post('/files/upload-url', textFile)).json
      const to = new URL(issued.uploadUrl)
      const headers = { ...issued.headers, authorization: `Bearer ${token}`, 'content-length': '5' }
      expect(code(await send('PUT', to, headers, 'hello'))).toEqual([400, 'InvalidArgument'])
      expect((await alice.post('/files/confirm', { id: issued.id })).status).toBe(409)
    })

    test('two Authorization headers are refused by both origins', async () => {
      for (const to of [url, new URL(`${gateway.apiUrl}/files`)]) {
        const connection = await connect(to)
        try {
          const twice = `Authorization: Bearer ${token}\r\nauthorization: Bearer ${token}\r\n`
          await connection.send(rawHead(to.origin, 'GET', to.pathname + to.search).replace(/\r\n$/, `${twice}\r\n`))
          const answer = await connection.answer()
          expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('more than one Authorization')])
        } finally {
          connection.close()
        }
      }
    })
  })
})
