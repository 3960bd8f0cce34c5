import { AwsClient } from 'aws4fetch'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeURIPath } from './encode-uri-path.ts'
import { keys, region, startHarness, type Harness } from './harness.ts'
import { awkwardKeys } from './presigning.ts'

const bucket = 'aws4fetch'
let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
  await harness.bucket(bucket)
})
afterAll(() => harness.close())

test.each(awkwardKeys)('puts, reads, and deletes %s with signed headers', async (key) => {
  const client = new AwsClient({ ...keys.alice, service: 's3', region, retries: 0 })
  const url = `${harness.url}/${bucket}/${encodeURIPath(key)}`
  const body = `the bytes of ${key}`
  const headers = { 'content-type': 'text/plain', 'x-amz-meta-two': ' spaces  within ' }
  const put = await client.fetch(url, { method: 'PUT', body, headers })
  expect([put.status, await put.text()]).toEqual([200, ''])
  const got = await client.fetch(url)
  expect([got.status, await got.text(), got.headers.get('x-amz-meta-two')]).toEqual([200, body, 'spaces  within'])
  expect((await harness.stored(bucket, key)).toString()).toBe(body)
  const gone = await client.fetch(url, { method: 'DELETE' })
  expect([gone.status, await gone.text()]).toEqual([204, ''])
  expect((await client.fetch(url)).status).toBe(404)
})

test('is rejected with another secret', async () => {
  const client = new AwsClient({ ...keys.alice, secretAccessKey: 'wrong', service: 's3', region, retries: 0 })
  expect((await client.fetch(`${harness.url}/${bucket}/plain.txt`)).status).toBe(403)
})
