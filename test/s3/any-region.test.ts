/** `objects.region: any`, for clients with a fixed region in their code or infrastructure. */
import {
  CreateBucketCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keys, startEndpoint, type Endpoint } from './endpoint.ts'

let endpoint: Endpoint
beforeAll(async () => {
  endpoint = await startEndpoint({ region: 'any' })
})
afterAll(() => endpoint?.close())

describe.each(['eu-west-1', 'auto', 'us-east-1'])('a client in %s', (region) => {
  const Bucket = `in-${region}`
  const withClient = async (use: (client: S3Client) => Promise<void>): Promise<void> => {
    const credentials = { ...keys.alice }
    const client = new S3Client({ endpoint: endpoint.url, region, forcePathStyle: true, credentials })
    try {
      await use(client)
    } finally {
      client.destroy()
    }
  }

  test('finds its buckets in its region', () =>
    withClient(async (client) => {
      await client.send(new CreateBucketCommand({ Bucket }))
      expect((await client.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe(region)
      const { LocationConstraint } = await client.send(new GetBucketLocationCommand({ Bucket }))
      expect(LocationConstraint).toBe(region === 'us-east-1' ? undefined : region)
    }))

  test('signs headers, URLs and forms for it', () =>
    withClient(async (client) => {
      await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'bytes' }))
      const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'k' }))
      expect(await (await fetch(url)).text()).toBe('bytes')
      const form = await createPresignedPost(client, { Bucket, Key: 'form' })
      const body = new FormData()
      for (const [name, value] of Object.entries(form.fields)) body.set(name, value)
      body.set('file', new Blob(['of a form']))
      expect((await fetch(form.url, { method: 'POST', body })).status).toBe(204)
      // The secret is still verified.
      expect((await fetch(url.replace(/Signature=./, 'Signature=x'))).status).toBe(403)
    }))
})
