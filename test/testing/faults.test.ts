/** Fault rules and presets with real clients. */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { presetNames, presets } from '../../src/testing/faults/presets.ts'
import { startPostern, type Postern } from '../../src/testing/index.ts'

let postern: Postern
beforeAll(async () => {
  postern = await startPostern({ buckets: ['app'], seed: 7 })
})
beforeEach(() => postern.reset())
afterAll(() => postern.stop())

const MiB = 2 ** 20
const client = (o: S3ClientConfig = {}): S3Client => new S3Client({ ...postern.s3Config(), ...o })
/** A client that shows every refusal. */
const once = (): S3Client => client({ maxAttempts: 1 })
const put = (s3: S3Client, Key: string, Body: string | Buffer = 'hello') =>
  s3.send(new PutObjectCommand({ Bucket: 'app', Key, Body }))
const read = async (s3: S3Client, Key: string): Promise<Buffer> => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'app', Key }))
  return Buffer.from(await Body!.transformToByteArray())
}
const get = (path: string) => getSignedUrl(once(), new GetObjectCommand({ Bucket: 'app', Key: path }))
const begin = async (Key: string): Promise<string> => {
  const { UploadId } = await once().send(new CreateMultipartUploadCommand({ Bucket: 'app', Key }))
  return UploadId!
}
const sendPart = (s3: S3Client, Key: string, UploadId: string, PartNumber: number, Body: Buffer) =>
  s3.send(new UploadPartCommand({ Bucket: 'app', Key, UploadId, PartNumber, Body }))

/** What a test must show of each preset. */
const shown: Record<keyof typeof presets, () => Promise<void>> = {
  async 'slow-down'() {
    const s3 = once()
    for (let n = 0; n < 3; n++) await expect(put(s3, 'a')).rejects.toMatchObject({ name: 'SlowDown' })
    await put(s3, 'a')
  },
  async 'internal-error'() {
    await expect(put(once(), 'a')).rejects.toMatchObject({ name: 'InternalError', $metadata: { httpStatusCode: 500 } })
    await put(once(), 'a')
  },
  async 'error-in-200'() {
    const id = await begin('a')
    const { ETag } = await sendPart(once(), 'a', id, 1, Buffer.from('part'))
    const complete = new CompleteMultipartUploadCommand({
      Bucket: 'app',
      Key: 'a',
      UploadId: id,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    })
    await expect(once().send(complete)).rejects.toMatchObject({ name: 'InternalError' })
    await expect(read(once(), 'a')).rejects.toMatchObject({ name: 'NoSuchKey' })
    await once().send(complete)
  },
  async 'busy-node'() {
    const s3 = once()
    const list = (by: S3Client) => by.send(new ListObjectsV2Command({ Bucket: 'app' }))
    await expect(list(s3)).rejects.toMatchObject({ name: 'ServiceUnavailable', message: 'no tomes available' })
    await expect(list(s3)).rejects.toMatchObject({ name: 'ServiceUnavailable' })
    await list(once())
  },
  async 'lost-answer'() {
    await expect(put(once(), 'a')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(String(await read(once(), 'a'))).toBe('hello')
  },
  async 'write-conflict'() {
    await expect(put(once(), 'a')).rejects.toMatchObject({ name: 'ConditionalRequestConflict' })
    await put(once(), 'a')
  },
  async 'cut-download'() {
    const bytes = await stored(MiB)
    await expect(read(once(), 'big')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(digest(await read(once(), 'big'))).toBe(digest(bytes))
  },
  async 'hung-download'() {
    await stored(MiB)
    expect(await bytesUntilSilence(await get('big'), 700)).toBe(MiB / 2)
  },
  async 'hung-request'() {
    expect(await bytesUntilSilence(await get('a'), 700)).toBeNull()
  },
  async 'idle-upload'() {
    const refused = put(once(), 'a', randomBytes(MiB))
    await expect(refused).rejects.toMatchObject({
      name: expect.stringMatching(/RequestTimeout|EPIPE|ECONNRESET|Error/),
    })
    await expect(read(once(), 'a')).rejects.toMatchObject({ name: 'NoSuchKey' })
    await put(once(), 'a')
  },
  async skewed() {
    await expect(put(once(), 'a')).rejects.toMatchObject({ name: 'RequestTimeTooSkewed' })
    // The SDK corrects its clock by the Date of the refusal.
    await put(client({ maxAttempts: 2 }), 'a')
  },
  async 'url-expired'() {
    await put(client({ maxAttempts: 1 }), 'a')
    const url = await get('a')
    const refused = await fetch(url)
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('Request has expired')])
    expect((await fetch(url)).status).toBe(200)
  },
  async 'token-expired'() {
    await expect(put(once(), 'a')).rejects.toMatchObject({ name: 'ExpiredToken' })
  },
  async 'fresh-bucket'() {
    await once().send(new CreateBucketCommand({ Bucket: 'fresh' }))
    const url = await getSignedUrl(once(), new ListObjectsV2Command({ Bucket: 'fresh' }))
    const redirected = await fetch(url, { redirect: 'manual' })
    expect(redirected.status).toBe(307)
    expect(redirected.headers.get('location')).toContain('/fresh')
    expect(await redirected.text()).toContain('<Code>TemporaryRedirect</Code>')
    await postern.clock.advance('6s')
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(200)
  },
  async 'fresh-key'() {
    await expect(put(once(), 'a')).rejects.toMatchObject({ name: 'InvalidAccessKeyId' })
    await postern.clock.advance('11s')
    await put(once(), 'a')
  },
  async 'cors-delay'() {
    const ask = () =>
      fetch(`${postern.objectsUrl}/fresh/a`, {
        method: 'OPTIONS',
        headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
      })
    const allow = (origin: string) =>
      postern.gateway.driver.setBucketCors('fresh', [
        { allowedOrigins: [origin], allowedMethods: ['PUT'], allowedHeaders: ['*'], exposeHeaders: [] },
      ])
    await once().send(new CreateBucketCommand({ Bucket: 'fresh' }))
    await allow('https://other.example')
    expect((await ask()).status).toBe(403)
    await allow('*')
    expect((await ask()).status).toBe(403)
    await postern.clock.advance('31s')
    expect((await ask()).status).toBe(200)
  },
  async 'etag-hidden'() {
    await put(once(), 'a')
    const answer = await fetch(await get('a'), { headers: { origin: 'http://localhost:5173' } })
    expect([answer.status, answer.headers.get('etag') !== null]).toEqual([200, true])
    expect(answer.headers.get('access-control-expose-headers')).toBeNull()
  },
  async 'cors-poisoned'() {
    await put(once(), 'a')
    const answer = await fetch(await get('a'), { headers: { origin: 'http://localhost:5173' } })
    expect(answer.status).toBe(200)
    for (const name of ['access-control-allow-origin', 'vary']) expect(answer.headers.get(name)).toBeNull()
  },
  async 'cdn-remembers'() {
    await expect(read(once(), 'a')).rejects.toMatchObject({ name: 'NoSuchKey' })
    await put(once(), 'a')
    await expect(read(once(), 'a')).rejects.toMatchObject({ name: 'NoSuchKey' })
    await postern.clock.advance('31s')
    expect(String(await read(once(), 'a'))).toBe('hello')
  },
  async 'upload-gone'() {
    const id = await begin('a')
    await sendPart(once(), 'a', id, 1, randomBytes(5 * MiB))
    await expect(sendPart(once(), 'a', id, 2, Buffer.from('x'))).rejects.toMatchObject({ name: 'NoSuchUpload' })
  },
  async 'stale-read'() {
    await put(once(), 'a', 'old')
    expect(String(await read(once(), 'a'))).toBe('old')
    await put(once(), 'a', 'new')
    expect(String(await read(once(), 'a'))).toBe('old')
    await postern.clock.advance('6s')
    expect(String(await read(once(), 'a'))).toBe('new')
  },
  async 'hot-key'() {
    postern.clock.freeze()
    await put(once(), 'a')
    await expect(put(once(), 'a')).rejects.toMatchObject({ $metadata: { httpStatusCode: 429 } })
    await put(once(), 'b')
    await postern.clock.advance('2s')
    await put(once(), 'a')
  },
  async phone() {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => put(once(), `phone-${n}`, Buffer.alloc(2048))),
    )
    const failed = outcomes.filter(({ status }) => status === 'rejected').length
    expect(failed).toBeGreaterThan(0)
    expect(failed).toBeLessThan(20)
  },
  async corrupt() {
    await expect(put(once(), 'a', randomBytes(1000))).rejects.toMatchObject({
      name: expect.stringMatching(/BadDigest|XAmzContentSHA256Mismatch|XAmzContentChecksumMismatch/),
    })
    await expect(read(once(), 'a')).rejects.toMatchObject({ name: 'NoSuchKey' })
  },
  async 'disk-full'() {
    await expect(put(once(), 'a')).rejects.toMatchObject({ $metadata: { httpStatusCode: 507 } })
    const grant = await fetch(`${postern.url}/files/upload-url`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ filename: 'a.txt' }),
    })
    expect([grant.status, await grant.json()]).toEqual([507, expect.objectContaining({ code: 'InsufficientStorage' })])
  },
}

async function stored(size: number): Promise<Buffer> {
  const bytes = randomBytes(size)
  await put(once(), 'big', bytes)
  return bytes
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Bytes of the body when nothing has arrived for so long. null: there was no answer. */
function bytesUntilSilence(url: string, milliseconds: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    let bytes: number | null = null
    const asked = request(url, (answer) => {
      bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes! += chunk.length
        timer.refresh()
      })
      answer.on('end', () => reject(new Error('the download ended')))
      answer.on('error', () => {})
    })
    const timer = setTimeout(() => {
      resolve(bytes)
      asked.destroy()
    }, milliseconds)
    asked.on('error', (error) => bytes === null && reject(error))
    asked.end()
  })
}

test('docs/faults.md lists every preset', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/faults.md'), 'utf8')
  for (const name of presetNames) {
    const { summary, source } = presets[name]
    expect(page).toContain(`| \`${name}\` | ${summary} | ${source} |`)
  }
})

describe('the preset', () => {
  test.each(presetNames)('%s', async (name) => {
    await using fault = postern.fault(name)
    await shown[name]()
    expect(fault.hits()).toBeGreaterThan(0)
  })
})

describe('a fault rule', () => {
  test('fails after the operation took effect with applied: true', async () => {
    postern.fault({ match: { operation: 'PutObject' }, applied: true, effect: { error: { code: 'SlowDown' } } })
    await expect(put(once(), 'a')).rejects.toMatchObject({ name: 'SlowDown' })
    expect(String(await read(once(), 'a'))).toBe('hello')
  })

  test('applies only to matching requests, and ends with its block', async () => {
    {
      await using fault = postern.fault(
        { when: { times: 1 }, effect: { error: { code: 'AccessDenied' } } },
        { operation: 'PutObject', key: 'secret/**' },
      )
      await put(once(), 'open/a')
      await expect(put(once(), 'secret/deep/a')).rejects.toMatchObject({ name: 'AccessDenied' })
      expect(fault.hits()).toBe(1)
    }
    await put(once(), 'secret/deep/a')
  })

  test('makes the same random choices for the same seed, also in parallel', async () => {
    const outcomes = async (): Promise<string> => {
      await using _ = postern.fault({
        id: 'coin',
        match: { operation: 'PutObject' },
        when: { probability: 0.5 },
        effect: { error: { code: 'SlowDown' } },
      })
      const all = await Promise.allSettled(Array.from({ length: 24 }, (_1, n) => put(once(), `key-${n}`)))
      return all.map(({ status }) => (status === 'fulfilled' ? '1' : '0')).join('')
    }
    const first = await outcomes()
    expect(first).toMatch(/0.*1|1.*0/)
    await postern.reset()
    expect(await outcomes()).toBe(first)
  })

  test('of a worker does not affect requests of other workers', async () => {
    const [one, two] = [await postern.worker(1), await postern.worker(2)]
    one.fault('internal-error')
    const write = (worker: typeof one) =>
      new S3Client({ ...worker.s3Config(), maxAttempts: 1 }).send(
        new PutObjectCommand({ Bucket: worker.bucket, Key: 'a', Body: 'x' }),
      )
    await write(two)
    await expect(write(one)).rejects.toMatchObject({ name: 'InternalError' })
  })

  test.each<[string, object]>([
    ['an unknown effect', { effect: { explode: true } }],
    ['two effects', { effect: { error: { code: 'SlowDown' }, reset: {} } }],
    ['a probability above 1', { when: { probability: 2 }, effect: { reset: {} } }],
    ['an error without a known status', { effect: { error: { code: 'Oops' } } }],
    ['applied with a redirect', { applied: true, effect: { redirect: {} } }],
  ])('is rejected with %s', async (_, rule) => {
    expect(() => postern.fault(rule as never)).toThrow(/[a-z]+\.|effect|status/i)
    const answer = await fetch(`${postern.url}/_test/rules`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(rule),
    })
    expect(answer.status).toBe(400)
  })

  test('expectHit throws if no request matched', () => {
    expect(() => postern.fault('lost-answer').expectHit()).toThrow('lost-answer: 0 matching requests')
  })
})

describe('the test routes', () => {
  const call = async (method: string, path: string, body?: object): Promise<[number, any]> => {
    const answer = await fetch(`${postern.url}/_test${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return [answer.status, text === '' ? null : JSON.parse(text)]
  }

  test('add, list, replace and remove rules', async () => {
    expect((await call('POST', '/rules', { preset: 'slow-down', match: { key: 'a' } }))[0]).toBe(201)
    await call('PUT', '/rules/mine', { effect: { delay: { ms: 1 } } })
    const [, { seed, rules }] = await call('GET', '/rules')
    expect(seed).toBe(7)
    expect(rules.map(({ id }: { id: string }) => id)).toEqual(['slow-down', 'mine'])
    await put(once(), 'b')
    await expect(put(once(), 'a')).rejects.toMatchObject({ name: 'SlowDown' })
    expect((await call('DELETE', '/rules/slow-down'))[0]).toBe(204)
    expect((await call('DELETE', '/rules/slow-down'))[0]).toBe(404)
    await put(once(), 'a')
    expect((await call('DELETE', '/rules'))[0]).toBe(204)
    expect((await call('GET', '/rules'))[1].rules).toEqual([])
  })

  test('list the presets if the name is unknown', async () => {
    const [status, { detail }] = await call('POST', '/rules', { preset: 'earthquake' })
    expect([status, detail]).toEqual([400, expect.stringContaining('slow-down')])
  })

  test('reject pages of other sites', async () => {
    for (const path of ['/rules', '/clock/advance']) {
      const answer = await fetch(`${postern.url}/_test${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: 'https://evil.example' },
        body: JSON.stringify({ preset: 'slow-down', by: '1d' }),
      })
      expect(answer.status).toBe(403)
    }
    expect((await call('GET', '/rules'))[1].rules).toEqual([])
  })
})
