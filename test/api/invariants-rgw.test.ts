/** The same promises in front of a real S3 store, addressed by S3_TEST_ENDPOINT and its keys. */
import { randomUUID } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { invariantsSuite } from './invariants.ts'

const endpoint = process.env['S3_TEST_ENDPOINT'] ?? ''
const credentials = {
  accessKeyId: process.env['S3_TEST_ACCESS_KEY_ID'] ?? '',
  secretAccessKey: process.env['S3_TEST_SECRET_ACCESS_KEY'] ?? '',
}
const store = { endpoint, region: 'us-east-1', forcePathStyle: true }

async function removeBucket(client: S3Client, bucket: string): Promise<void> {
  for (;;) {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }))
    const found = [...Versions, ...DeleteMarkers]
    if (found.length === 0) break
    for (const { Key, VersionId } of found)
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId }))
  }
  await client.send(new DeleteBucketCommand({ Bucket: bucket }))
}

describe.each([
  ['on S3', false],
  ['on S3, in a bucket that keeps versions', true],
])('%s', (name, versioned) => {
  const bucket = `postern-invariants-${randomUUID().slice(0, 8)}`
  // The SDK writes into the object it is given.
  const client = new S3Client({ ...store, credentials: { ...credentials } })
  beforeAll(async () => {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    if (!versioned) return
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
  })
  afterAll(async () => {
    await removeBucket(client, bucket)
    client.destroy()
  })

  const s3 = { provider: 'ceph', ...store, ...credentials }
  invariantsSuite(name, (overrides, o) => startGateway({ ...overrides, storage: { driver: 's3', bucket, s3 } }, o))
})
