/** The driver suite against a real store that verifies signatures: Ceph RGW, or what S3_TEST_PROVIDER names. */
import { createTestBucket, startDriver } from '../fixtures/s3-store.ts'
import { driverSuite } from './driver-suite.ts'

driverSuite(
  's3 on Ceph RGW',
  async () => {
    const bucket = await createTestBucket()
    const driver = await startDriver(bucket)
    return {
      driver,
      bucket: bucket.bucket,

      async close() {
        await driver.close()
        await bucket.remove()
      },
    }
  },
  {
    knownDifferences: new Set([
      'one-bucket',
      'no-part-lists',
      'no-stored-checksums',
      'no-multipart-checksums',
      'no-multipart-tags',
      'complete-all-parts',
      'no-folded-uploads',
      'no-conditional-complete',
      'no-conditional-copy',
      'no-part-reads',
      'cannot-tell-writers',
      'seals-elsewhere',
      'no-revisions',
    ]),
  },
)
