/** The s3 driver on an objects endpoint of Postern, as on a bucket in AWS. */
import { S3 } from '@aws-sdk/client-s3'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { createS3Driver } from '../../src/drivers/s3/s3-driver.ts'
import type { KnownDifference } from './driver-suite.ts'

const bucket = 'owned-elsewhere'
const region = 'us-east-1'

/** To be among the keys of the gateway that `openOn` is given. */
export const owner = {
  accessKeyId: 'AKIAOWNER',
  secretAccessKey: 'a secret of an owner of one bucket, for tests',
  owner: 'alice',
}

/** Makes the owner's bucket there. */
export async function createOwnBucket(endpoint: string): Promise<string> {
  const { accessKeyId, secretAccessKey } = owner
  const s3 = new S3({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
  await s3.createBucket({ Bucket: bucket })
  s3.destroy()
  return bucket
}

/** Where the driver stands for one bucket of a store that keeps writers, seals and revisions to itself. */
export const knownDifferences: ReadonlySet<KnownDifference> = new Set([
  'one-bucket',
  'no-part-lists',
  'cannot-tell-writers',
  'seals-elsewhere',
  'no-revisions',
])

export async function openOn(endpoint: string): Promise<{ driver: StorageDriver; bucket: string }> {
  const { accessKeyId, secretAccessKey } = owner
  await createOwnBucket(endpoint)
  const driver = await createS3Driver({
    accessKeyId,
    secretAccessKey,
    bucket,
    endpoint,
    region,
    provider: 'aws',
    forcePathStyle: true,
    now: () => new Date(),
  })
  return { driver, bucket }
}
