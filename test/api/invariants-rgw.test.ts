/** The same promises in front of a real S3 store, addressed by S3_TEST_ENDPOINT and its keys. */
import { afterAll, beforeAll, describe } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { createTestBucket, type TestBucket } from '../fixtures/s3-store.ts'
import { invariantsSuite } from './invariants.ts'

describe.each([
  ['on S3', { versioned: false, delivery: 'direct' }],
  ['on S3, in a bucket that keeps versions', { versioned: true, delivery: 'direct' }],
  ['on S3 behind our own endpoint', { versioned: false, delivery: 'proxied' }],
  ['on S3 behind our own endpoint, in a bucket that keeps versions', { versioned: true, delivery: 'proxied' }],
])('%s', (name, { versioned, delivery }) => {
  let store: TestBucket
  beforeAll(async () => {
    store = await createTestBucket()
    const VersioningConfiguration = { Status: 'Enabled' } as const
    if (versioned) await store.s3.putBucketVersioning({ Bucket: store.bucket, VersioningConfiguration })
  })
  afterAll(() => store.remove())

  invariantsSuite(name, (overrides, o) => {
    const { bucket, endpoint, accessKeyId, secretAccessKey } = store
    const s3 = { provider: 'ceph', endpoint, region: 'us-east-1', forcePathStyle: true, accessKeyId, secretAccessKey }
    return startGateway({ ...overrides, storage: { driver: 's3', delivery, bucket, s3 } }, o)
  })
})
