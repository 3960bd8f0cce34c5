/**
 * The s3 driver against this project's own objects endpoint, taken for AWS: what the driver asks of a store and what
 * the endpoint answers as one must agree, and nothing of it is left out as a store's peculiarity.
 */
import { S3 } from '@aws-sdk/client-s3'
import { createS3Driver } from '../../src/drivers/s3/s3-driver.ts'
import { startGateway } from '../fixtures/gateway.ts'
import { driverSuite } from './driver-suite.ts'

const credentials = { accessKeyId: 'AKIAOWNER', secretAccessKey: 'a secret of an owner of one bucket, for tests' }
const bucket = 'owned-elsewhere'
const region = 'us-east-1'

driverSuite(
  's3 on the own objects endpoint',
  async () => {
    const gateway = await startGateway({ keys: [{ ...credentials, owner: 'alice' }] })
    const endpoint = gateway.objectsUrl
    const s3 = new S3({ endpoint, region, forcePathStyle: true, credentials })
    await s3.createBucket({ Bucket: bucket })
    s3.destroy()
    const driver = await createS3Driver({
      ...credentials,
      bucket,
      endpoint,
      region,
      provider: 'aws',
      forcePathStyle: true,
      now: () => new Date(),
    })
    return {
      driver,
      bucket,

      async close() {
        await driver.close()
        await gateway.close()
      },
    }
  },
  { knownDifferences: new Set(['one-bucket', 'cannot-tell-writers', 'seals-elsewhere', 'no-revisions']) },
)
