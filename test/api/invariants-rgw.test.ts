/** The same promises in front of a real S3 store, addressed by S3_TEST_ENDPOINT and its keys. */
import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { invariantsSuite } from './invariants.ts'

const endpoint = process.env['S3_TEST_ENDPOINT'] ?? ''
const credentials = {
  accessKeyId: process.env['S3_TEST_ACCESS_KEY_ID'] ?? '',
  secretAccessKey: process.env['S3_TEST_SECRET_ACCESS_KEY'] ?? '',
}
const bucket = `postern-invariants-${randomUUID().slice(0, 8)}`
const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })

beforeAll(async () => {
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
})
afterAll(() => client.destroy())

invariantsSuite('on S3', (overrides, o) =>
  startGateway(
    {
      ...overrides,
      storage: { driver: 's3', bucket, s3: { provider: 'ceph', region: 'us-east-1', endpoint, forcePathStyle: true, ...credentials } },
    },
    o,
  ),
)
