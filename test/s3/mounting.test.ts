/** The endpoint below a path, with host names of buckets, and the gateway's step after a write to its own bucket. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { StorageError } from '../../src/errors.ts'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { element, keys, sha256, startEndpoint, type Endpoint } from './endpoint.ts'

async function using(
  o: Parameters<typeof startEndpoint>[0],
  run: (endpoint: Endpoint) => Promise<void>,
): Promise<void> {
  const endpoint = await startEndpoint(o)
  await run(endpoint).finally(() => endpoint.close())
}

describe('below a path prefix', () => {
  test('URLs contain it, and the signature covers it', () =>
    using({ pathPrefix: () => '/objects', publicUrl: () => 'https://files.example.com/objects' }, async (endpoint) => {
      const target = endpoint.target('gateway', 'PUT', 'postern', 'uploads/a b.txt')
      expect(target).toMatch(/^\/objects\/postern\/uploads\/a%20b\.txt\?/)
      const length = { 'content-length': '5' }
      expect((await endpoint.raw('PUT', target, length, 'bytes')).status).toBe(200)
      const got = await endpoint.raw('GET', endpoint.target('gateway', 'GET', 'postern', 'uploads/a b.txt'))
      expect(got.text).toBe('bytes')
      const elsewhere = await endpoint.raw('PUT', target.replace('/objects', ''), length, 'bytes')
      expect([elsewhere.status, element(elsewhere, 'Code')]).toEqual([400, 'InvalidURI'])
      expect((await endpoint.raw('GET', '/objectsx/postern')).status).toBe(400)
      expect((await endpoint.raw('GET', '/objects')).status).toBe(200)
      const client = endpoint.client('gateway')
      await client.send(new PutObjectCommand({ Bucket: 'postern', Key: 'public/k', Body: 'x' }))
      client.destroy()
      expect((await endpoint.raw('GET', '/objects/postern/public/k')).text).toBe('x')
    }))
})

describe('with virtual hosts', () => {
  test('the host is the bucket, and on other hosts the path is', () =>
    using({ virtualHosts: 's3.example.com' }, async (endpoint) => {
      await endpoint.store.createBucket('alice-1', { owner: 'alice' })
      const host = 'alice-1.s3.example.com'
      const send = (method: string, path: string, body: string, name = host): ReturnType<Endpoint['raw']> => {
        const { headers } = signRequest({
          method,
          url: `http://${name}${path}`,
          headers: { 'content-length': String(body.length) },
          payload: sha256(body),
          credentials: keys.alice,
          region: 'us-east-1',
          now: new Date(),
        })
        return endpoint.raw(method, path, headers as Record<string, string>, body)
      }
      expect((await send('PUT', '/a/b.txt', 'bytes')).status).toBe(200)
      expect((await endpoint.signed('alice', 'GET', '/alice-1/a/b.txt')).text).toBe('bytes')
      expect((await send('GET', '/a/b.txt', '')).text).toBe('bytes')
      expect((await send('GET', '/', '')).text).toContain('<Key>a/b.txt</Key>')
      expect((await send('GET', '/alice-1/a/b.txt', '', 's3.example.com')).text).toBe('bytes')
      expect((await send('GET', '/a/b.txt', '', 'evil-alice-1.example.com')).status).toBe(404)
    }))
})

describe('after a write to the gateway’s bucket', () => {
  test('the response waits for the gateway', () => {
    const written: string[] = []
    const onObjectWritten = async ({ key }: { key: string }): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      written.push(key)
    }
    return using({ onObjectWritten }, async (endpoint) => {
      await endpoint.store.createBucket('alice-1', { owner: 'alice' })
      await endpoint.signed('gateway', 'PUT', '/postern/uploads/a', { body: 'x' })
      expect(written).toEqual(['uploads/a'])
      await endpoint.signed('alice', 'PUT', '/alice-1/b', { body: 'x' })
      await endpoint.raw('PUT', '/postern/uploads/c', { 'content-length': '1' }, 'x')
      expect(written).toEqual(['uploads/a'])
    })
  })

  test.each([
    [new StorageError('UploadMismatch', { message: 'The type is not what was announced.' }), 400, 'InvalidRequest'],
    [new StorageError('QuotaExceeded'), 403, 'QuotaExceeded'],
    [new StorageError('Unavailable', { message: 'secret path', retryAfter: 3 }), 503, 'ServiceUnavailable'],
    [new Error('secret path'), 500, 'InternalError'],
  ])('what it refuses is the answer: %s', (error, status, code) =>
    using({ onObjectWritten: () => Promise.reject(error) }, async (endpoint) => {
      const answer = await endpoint.signed('gateway', 'PUT', '/postern/uploads/a', { body: 'x' })
      expect([answer.status, element(answer, 'Code')]).toEqual([status, code])
      expect(answer.text).not.toContain('secret')
      expect(answer.headers.get('etag')).toBeUndefined()
      expect(answer.headers.get('retry-after')).toBe(status === 503 ? '3' : undefined)
    }),
  )
})

test('accepts a region that is not the SDK’s default', () =>
  using({ region: 'eu-central-1' }, async (endpoint) => {
    const client = new S3Client({
      endpoint: endpoint.url,
      region: 'eu-central-1',
      forcePathStyle: true,
      credentials: keys.gateway,
      maxAttempts: 1,
    })
    await client.send(new PutObjectCommand({ Bucket: 'postern', Key: 'k', Body: 'x' }))
    client.destroy()
    const location = await endpoint.raw('GET', '/postern?location')
    expect(location.status).toBe(403)
  }))
