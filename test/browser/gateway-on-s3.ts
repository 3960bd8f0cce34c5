/** A gateway in front of its own bucket in the test store, configured for browsers as in the documentation. */
import { type Overrides, type RunningGateway, startGateway } from '../fixtures/gateway.ts'
import { createTestBucket } from '../fixtures/s3-store.ts'

export type StartGateway = (
  overrides?: Overrides,
  o?: { dev?: boolean; publicEndpoint?: string },
) => Promise<RunningGateway>

export const startGatewayOnS3: StartGateway = async (overrides = {}, o = {}) => {
  const { s3, bucket, endpoint, accessKeyId, secretAccessKey, remove } = await createTestBucket()
  const rule = {
    AllowedOrigins: ['*'],
    AllowedMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
    AllowedHeaders: ['*'],
    ExposeHeaders: ['ETag'],
    MaxAgeSeconds: 600,
  }
  await s3.putBucketCors({ Bucket: bucket, CORSConfiguration: { CORSRules: [rule] } })
  const provider = process.env['S3_TEST_PROVIDER'] ?? 'ceph'
  const publicEndpoint = o.publicEndpoint ?? null
  const store = {
    publicEndpoint,
    provider,
    region: 'us-east-1',
    endpoint,
    forcePathStyle: true,
    accessKeyId,
    secretAccessKey,
  }
  const running = await startGateway(
    { ...overrides, storage: { driver: 's3', bucket, s3: store } },
    { dev: o.dev ?? false },
  )
  return {
    ...running,
    async close() {
      await running.close()
      await remove()
    },
  }
}
