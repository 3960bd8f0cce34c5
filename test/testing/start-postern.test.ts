/** The test kit as the tests of an application use it. */
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startPostern, type Postern } from '../../src/testing/index.ts'

let postern: Postern
beforeAll(async () => {
  postern = await startPostern({ buckets: ['app', 'other'] })
})
beforeEach(() => postern.reset())
afterAll(() => postern.stop())

const keysOf = async (s3: S3Client, bucket: string): Promise<(string | undefined)[]> =>
  ((await s3.send(new ListObjectsV2Command({ Bucket: bucket }))).Contents ?? []).map(({ Key }) => Key)

describe('startPostern', () => {
  test('gives an S3 client a bucket to write to and read from', async () => {
    const s3 = new S3Client(postern.s3Config())
    await s3.send(new PutObjectCommand({ Bucket: 'app', Key: 'a.txt', Body: 'hello' }))
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'app', Key: 'a.txt' }))
    expect(await Body!.transformToString()).toBe('hello')
  })

  test('lets only pages of listed origins read what the fixed key signs', async () => {
    const listed = 'http://localhost:5173'
    const own = await startPostern({ buckets: ['app'], config: { cors: { origins: [listed] } } })
    try {
      const s3 = new S3Client(own.s3Config())
      await s3.send(new PutObjectCommand({ Bucket: 'app', Key: 'page.txt', Body: 'hello' }))
      const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket: 'app', Key: 'page.txt' }))
      const allowed = async (method: string, origin: string): Promise<unknown[]> => {
        const headers = { origin, ...(method === 'OPTIONS' && { 'access-control-request-method': 'GET' }) }
        const answer = await fetch(url, { method, headers })
        return [answer.status, answer.headers.get('access-control-allow-origin')]
      }
      expect(await allowed('GET', listed)).toEqual([200, listed])
      expect(await allowed('GET', 'http://localhost:3000')).toEqual([200, null])
      for (const origin of ['http://localhost:3000', 'https://elsewhere.example', 'null'])
        expect(await allowed('OPTIONS', origin)).toEqual([403, null])
      for (const origin of ['https://elsewhere.example', 'null'])
        expect(await allowed('GET', origin)).toEqual([403, null])
    } finally {
      await own.stop()
    }
  })

  test('answers NoSuchBucket for a bucket that is not listed', async () => {
    const s3 = new S3Client(postern.s3Config())
    const put = s3.send(new PutObjectCommand({ Bucket: 'missing', Key: 'a', Body: 'x' }))
    await expect(put).rejects.toMatchObject({ name: 'NoSuchBucket' })
  })

  test('uploads a file for an owner, and accepts its own tokens', async () => {
    const file = await postern.upload('alice', { filename: 'notes.md', content: '# Notes' })
    expect(file).toMatchObject({ owner: 'alice', filename: 'notes.md', mimeType: 'text/markdown', status: 'confirmed' })
    const list = async (sub: string): Promise<unknown[]> => {
      const response = await fetch(`${postern.url}/files`, {
        headers: { authorization: `Bearer ${await postern.tokenFor(sub)}` },
      })
      return ((await response.json()) as { files: unknown[] }).files
    }
    expect(await list('alice')).toHaveLength(1)
    expect(await list('bob')).toHaveLength(0)
  })

  test('rejects a token with an expired exp claim', async () => {
    const token = await postern.tokenFor('alice', { exp: Math.floor(Date.now() / 1000) - 3600 })
    const response = await fetch(`${postern.url}/files`, { headers: { authorization: `Bearer ${token}` } })
    expect(response.status).toBe(401)
  })

  test('records requests and why they were rejected', async () => {
    const s3 = new S3Client({
      ...postern.s3Config(),
      credentials: { accessKeyId: 'postern', secretAccessKey: 'not-the-secret' },
    })
    await expect(s3.send(new PutObjectCommand({ Bucket: 'app', Key: 'k', Body: 'x' }))).rejects.toThrow('signature')
    expect(postern.requests.list({ operation: 'PutObject' })).toMatchObject([
      { method: 'PUT', bucket: 'app', key: 'k', status: 403, code: 'SignatureDoesNotMatch', attempt: 1 },
    ])
    postern.requests.expect({ operation: 'PutObject', key: 'k', times: 1 })
    expect(() => postern.requests.expect({ operation: 'GetObject' })).toThrow(
      /at least one request[\s\S]*PUT \/app\/k 403/,
    )
    expect(() => postern.requests.expect({ operation: 'PutObject', times: 2 })).toThrow('found 1')
  })

  test('waits for file events, including past ones', async () => {
    const waiting = postern.waitFor('file.confirmed', { filename: 'later.txt' })
    const { id } = await postern.upload('alice', { filename: 'later.txt', content: 'x' })
    expect(await waiting).toMatchObject({ id, owner: 'alice' })
    expect(await postern.waitFor('file.confirmed', { id })).toMatchObject({ filename: 'later.txt' })
    const never = postern.waitFor('file.deleted', { id }, { timeout: 50 })
    await expect(never).rejects.toThrow(/No file.deleted[\s\S]*file.confirmed later.txt/)
  })

  test('restores a snapshot including the bytes', async () => {
    const s3 = new S3Client(postern.s3Config())
    const put = (Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket: 'app', Key, Body }))
    await put('kept', 'before')
    const file = await postern.upload('alice', { filename: 'a.txt', content: 'one' })
    const snapshot = await postern.snapshot()
    await put('kept', 'after')
    await put('new', 'x')
    const headers = { authorization: `Bearer ${await postern.tokenFor('alice')}` }
    await fetch(`${postern.url}/files/${String(file['id'])}`, { method: 'DELETE', headers })
    await postern.restore(snapshot)
    expect(await keysOf(s3, 'app')).toEqual(['kept'])
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'app', Key: 'kept' }))
    expect(await Body!.transformToString()).toBe('before')
    const content = await fetch(`${postern.url}/files/${String(file['id'])}/content`, { headers })
    expect(await content.text()).toBe('one')
    await expect(postern.restore('unknown')).rejects.toThrow('There is no snapshot unknown')
  })

  test('resets to the state after the start', async () => {
    const s3 = new S3Client(postern.s3Config())
    await s3.send(new PutObjectCommand({ Bucket: 'app', Key: 'a', Body: 'x' }))
    await postern.upload('alice', { filename: 'a.txt', content: 'x' })
    await postern.reset()
    expect(await keysOf(s3, 'app')).toEqual([])
    expect(postern.requests.list({ operation: 'PutObject' })).toEqual([])
    await expect(postern.waitFor('file.confirmed', {}, { timeout: 20 })).rejects.toThrow('No file.confirmed')
  })

  test('isolates workers by access key and bucket', async () => {
    const [one, two] = [await postern.worker(1), await postern.worker(2)]
    const [first, second] = [new S3Client(one.s3Config()), new S3Client(two.s3Config())]
    await first.send(new PutObjectCommand({ Bucket: one.bucket, Key: 'a', Body: 'x' }))
    await expect(second.send(new HeadObjectCommand({ Bucket: one.bucket, Key: 'a' }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    })
    await expect.poll(() => one.requests()).toHaveLength(1)
    await expect.poll(() => two.requests()).toHaveLength(1)
    expect((await postern.worker(1)).bucket).toBe(one.bucket)
  })

  test('exports an environment that SDKs read', () => {
    expect(postern.env).toMatchObject({
      AWS_ENDPOINT_URL_S3: postern.objectsUrl,
      AWS_ACCESS_KEY_ID: 'postern',
      AWS_S3_BUCKET: 'app',
      POSTERN_URL: postern.url,
    })
    expect(new URL(postern.objectsUrl).hostname).toBe('127.0.0.1')
  })
})

describe('the fixed access keys', () => {
  const listFrom = async (origin: string): Promise<Response> => {
    const s3 = new S3Client(postern.s3Config())
    const url = await getSignedUrl(s3, new ListObjectsV2Command({ Bucket: 'app' }))
    return fetch(url, { headers: { origin } })
  }

  test.each(['https://evil.example', 'null', 'http://test.evil.example'])(
    'are refused for a page at %s',
    async (origin) => {
      const response = await listFrom(origin)
      expect(response.status).toBe(403)
      expect(await response.text()).toContain('work only with a loopback')
    },
  )

  test.each(['http://localhost:5173', 'http://app.localhost', 'https://shop.test'])(
    'are accepted for a page at %s',
    async (origin) => expect((await listFrom(origin)).status).toBe(200),
  )
})

describe('options', () => {
  test('settings are applied, and an invalid one is named', async () => {
    await using limited = await startPostern({ config: { quotas: { userFiles: 1 } } })
    await limited.upload('alice', { filename: 'a.txt', content: 'x' })
    await expect(limited.upload('alice', { filename: 'b.txt', content: 'x' })).rejects.toThrow(/quota/i)
    await expect(startPostern({ config: { quotas: { userFilez: 1 } } })).rejects.toThrow(/userFiles/)
  })

  test('a request without a token belongs to the user dev, unless requireToken is set', async () => {
    await using open = await startPostern()
    expect((await fetch(`${open.url}/files`)).status).toBe(200)
    await using closed = await startPostern({ requireToken: true })
    expect((await fetch(`${closed.url}/files`)).status).toBe(401)
  })

  test('loads a folder into the first bucket, sub-folders by bucket name, and files of a manifest', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'postern-fixtures-'))
    try {
      await mkdir(join(folder, 'two'))
      await writeFile(join(folder, 'a.json'), '{}')
      await writeFile(join(folder, 'two', 'b.txt'), 'b')
      await using plain = await startPostern({ buckets: ['one', 'two'], load: folder })
      const s3 = new S3Client(plain.s3Config())
      expect(await keysOf(s3, 'one')).toEqual(['a.json'])
      expect(await keysOf(s3, 'two')).toEqual(['b.txt'])
      const head = await s3.send(new HeadObjectCommand({ Bucket: 'one', Key: 'a.json' }))
      expect(head.ContentType).toBe('application/json')

      await writeFile(
        join(folder, 'postern.yaml'),
        'buckets: { assets: two }\nfiles: [{ owner: alice, path: a.json, filename: settings.json }]\n',
      )
      await using described = await startPostern({ load: folder })
      expect(await keysOf(new S3Client(described.s3Config()), 'assets')).toEqual(['b.txt'])
      expect(await described.waitFor('file.confirmed', { filename: 'settings.json' })).toMatchObject({ owner: 'alice' })
      await described.reset()
      expect(await keysOf(new S3Client(described.s3Config()), 'assets')).toEqual(['b.txt'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('reports a fixture folder that does not exist', async () => {
    await expect(startPostern({ load: '/nowhere/at/all' })).rejects.toThrow('There is no folder /nowhere/at/all')
  })
})
