/** The test clock: what it expires, and what it does not affect. */
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startPostern, type Postern } from '../../src/testing/index.ts'

let postern: Postern
beforeAll(async () => {
  postern = await startPostern({ buckets: ['app'], requireToken: true })
})
beforeEach(() => postern.reset())
afterAll(() => postern.stop())

const api = async (path: string, o: { token: string; body?: object }): Promise<[number, any]> => {
  const answer = await fetch(`${postern.url}${path}`, {
    method: o.body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${o.token}`, 'content-type': 'application/json' },
    ...(o.body && { body: JSON.stringify(o.body) }),
  })
  return [answer.status, await answer.json()]
}

test('expires presigned URLs and tokens, while clients that sign headers go on', async () => {
  const s3 = new S3Client({ ...postern.s3Config(), maxAttempts: 1 })
  await s3.send(new PutObjectCommand({ Bucket: 'app', Key: 'a', Body: 'x' }))
  const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket: 'app', Key: 'a' }), { expiresIn: 3600 })
  const token = await postern.tokenFor('alice')
  expect((await fetch(url)).status).toBe(200)
  await postern.clock.advance({ hours: 2 })
  expect((await fetch(url)).status).toBe(403)
  expect((await api('/files', { token }))[0]).toBe(401)
  expect((await api('/files', { token: await postern.tokenFor('alice') }))[0]).toBe(200)
  await s3.send(new HeadObjectCommand({ Bucket: 'app', Key: 'a' }))
})

test('sets Date and Last-Modified', async () => {
  const s3 = new S3Client({ ...postern.s3Config(), maxAttempts: 2 })
  await postern.clock.set('2040-02-03T04:05:06Z')
  postern.clock.freeze()
  await s3.send(new PutObjectCommand({ Bucket: 'app', Key: 'late', Body: 'x' }))
  const head = await s3.send(new HeadObjectCommand({ Bucket: 'app', Key: 'late' }))
  expect(head.LastModified!.toISOString()).toMatch(/^2040-02-03T04:05:0/)
  const answer = await fetch(`${postern.objectsUrl}/app/late`)
  expect(new Date(answer.headers.get('date')!).toISOString()).toMatch(/^2040-02-03T04:05:0/)
})

test('runs due jobs before advance responds', async () => {
  const token = await postern.tokenFor('alice')
  const [, grant] = await api('/files/upload-url', { token, body: { filename: 'a.txt', size: 4 } })
  expect((await fetch(grant.uploadUrl, { method: 'PUT', headers: grant.headers, body: 'text' })).status).toBe(200)
  const usage = async () => (await api('/files/usage', { token: await postern.tokenFor('alice') }))[1]
  expect(await usage()).toMatchObject({ reservedFiles: 1 })
  const advanced = await fetch(`${postern.url}/_test/clock/advance`, {
    method: 'POST',
    headers: { authorization: `Bearer ${postern.env['POSTERN_TEST_TOKEN']}`, 'content-type': 'application/json' },
    body: JSON.stringify({ by: { days: 8 } }),
  })
  expect([advanced.status, await advanced.json()]).toEqual([200, expect.objectContaining({ frozen: false })])
  expect(await usage()).toMatchObject({ reservedFiles: 0, reservedBytes: 0 })
  await expect(
    postern.gateway.driver.headObject({ bucket: postern.gateway.config.storage.bucket, key: grant.key }),
  ).rejects.toMatchObject({ code: 'NotFound' })
})

test('executes lifecycle rules', async () => {
  const s3 = new S3Client({ ...postern.s3Config(), maxAttempts: 1 })
  await s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket: 'app',
      LifecycleConfiguration: {
        Rules: [{ ID: 'week', Status: 'Enabled', Filter: { Prefix: 'temp/' }, Expiration: { Days: 7 } }],
      },
    }),
  )
  for (const Key of ['temp/a', 'kept/a']) await s3.send(new PutObjectCommand({ Bucket: 'app', Key, Body: 'x' }))
  await postern.clock.advance({ days: 6 })
  await s3.send(new HeadObjectCommand({ Bucket: 'app', Key: 'temp/a' }))
  await postern.clock.advance({ days: 3 })
  await expect(s3.send(new HeadObjectCommand({ Bucket: 'app', Key: 'temp/a' }))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 404 },
  })
  await s3.send(new HeadObjectCommand({ Bucket: 'app', Key: 'kept/a' }))
})

test('moves forward only', async () => {
  await expect(postern.clock.set('2001-01-01T00:00:00Z')).rejects.toThrow('moves forward only')
  await expect(postern.clock.advance(-5)).rejects.toThrow('positive duration')
})

test('starts at the given time', async () => {
  const own = await startPostern({ now: '2026-01-01T00:00:00Z' })
  try {
    expect(own.clock.now().toISOString()).toMatch(/^2026-01-01T00:0/)
    const file = await own.upload('alice', { filename: 'a.txt', content: 'x' })
    expect(String(file['createdAt'])).toMatch(/^2026-01-01T00:0/)
  } finally {
    await own.stop()
  }
})
