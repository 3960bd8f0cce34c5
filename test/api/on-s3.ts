/** Runs a suite with a real S3 store, in each way to use a bucket. */
import { afterAll, beforeAll, describe } from 'vitest'
import { startGateway, type Overrides } from '../fixtures/gateway.ts'
import { createTestBucket, type TestBucket } from '../fixtures/s3-store.ts'
import type { Start } from './invariants.ts'

const ways = [
  ['on S3', { versioned: false, delivery: 'direct' }],
  ['on S3, in a bucket that keeps versions', { versioned: true, delivery: 'direct' }],
  ['on S3 behind our own endpoint', { versioned: false, delivery: 'proxied' }],
  ['on S3 behind our own endpoint, in a bucket that keeps versions', { versioned: true, delivery: 'proxied' }],
] as const

/** `s3` settings in the overrides go before the store's own. */
export function onS3(suite: (name: string, start: Start, delivery: 'direct' | 'proxied') => void): void {
  describe.each(ways)('%s', (name, { versioned, delivery }) => {
    let store: TestBucket
    beforeAll(async () => {
      store = await createTestBucket()
      const VersioningConfiguration = { Status: 'Enabled' } as const
      if (versioned) await store.s3.putBucketVersioning({ Bucket: store.bucket, VersioningConfiguration })
    })
    afterAll(() => store.remove())

    suite(
      name,
      (overrides = {}, o = {}) => {
        const { bucket, endpoint, accessKeyId, secretAccessKey } = store
        const own = (overrides['storage'] as { s3?: Overrides } | undefined)?.s3 ?? {}
        const s3 = {
          provider: 'ceph',
          endpoint,
          region: 'us-east-1',
          forcePathStyle: true,
          accessKeyId,
          secretAccessKey,
        }
        return startGateway({ ...overrides, storage: { driver: 's3', delivery, bucket, s3: { ...s3, ...own } } }, o)
      },
      delivery,
    )
  })
}
