import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  CreateBucketCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEndpoint, type Endpoint } from './endpoint.ts'

let endpoint: Endpoint
beforeAll(async () => {
  endpoint = await startEndpoint()
  await endpoint.signed('alice', 'PUT', '/alice-1')
})
afterAll(() => endpoint.close())

describe('the AWS SDK', () => {
  test('puts, heads, gets and deletes an object', async () => {
    const client = endpoint.client('alice')
    const Bucket = 'alice-1'
    const Key = 'a b/ü+!.txt'
    await client.send(new CreateBucketCommand({ Bucket }))
    const put = await client.send(
      new PutObjectCommand({ Bucket, Key, Body: 'hello', ContentType: 'text/plain', Metadata: { album: '2026' } }),
    )
    expect(put.ETag).toBe('"5d41402abc4b2a76b9719d911017c592"')
    const head = await client.send(new HeadObjectCommand({ Bucket, Key }))
    expect(head).toMatchObject({ ContentLength: 5, ContentType: 'text/plain', Metadata: { album: '2026' } })
    const got = await client.send(new GetObjectCommand({ Bucket, Key }))
    expect(await got.Body?.transformToString()).toBe('hello')
    await client.send(new DeleteObjectCommand({ Bucket, Key }))
    await expect(client.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NoSuchKey' })
    client.destroy()
  })
})
