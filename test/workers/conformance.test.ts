/**
 * The driver's obligations with two processes behind one port: the s3 driver sends its requests over many connections,
 * so that what one process wrote is read, sealed, listed and removed by the other.
 */
import { S3 } from '@aws-sdk/client-s3'
import { afterAll, expect, it, vi } from 'vitest'
import { createS3Driver } from '../../src/drivers/s3/s3-driver.ts'
import { driverSuite } from '../conformance/driver-suite.ts'
import { startCommand, type RunningCommand } from '../fixtures/workers.ts'

const credentials = { accessKeyId: 'AKIAOWNER', secretAccessKey: 'a secret of an owner of one bucket, for tests' }
const bucket = 'owned-elsewhere'
const region = 'us-east-1'
let running: RunningCommand | undefined
afterAll(() => running?.close())

driverSuite(
  's3 on two workers of the own objects endpoint',
  async () => {
    running = await startCommand({ server: { workers: 2 }, keys: [{ ...credentials, owner: 'alice' }] })
    const endpoint = running.objectsUrl
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
    return { driver, bucket, close: () => driver.close() }
  },
  { knownDifferences: new Set(['one-bucket', 'cannot-tell-writers', 'seals-elsewhere', 'no-revisions']) },
)

it('was served by both', async () => {
  await vi.waitFor(() => expect(running?.workers().toSorted()).toEqual([0, 1]), { timeout: 10_000 })
})
