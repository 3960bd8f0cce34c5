/** Owners of access keys with a real bucket have no buckets there, so they need no quota and no collection. */
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import { as } from '../api/caller.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { createTestBucket, type TestBucket } from '../fixtures/s3-store.ts'
import { failing } from './sdk.ts'

const credentials = { accessKeyId: 'ALICETESTTESTTESTTE1', secretAccessKey: 'alice-secret-0123456789abcdef0123456789' }
let bucket: TestBucket
let gateway: RunningGateway
let client: S3Client
beforeAll(async () => {
  bucket = await createTestBucket()
  const { endpoint, accessKeyId, secretAccessKey } = bucket
  const s3 = { provider: 'ceph', endpoint, region: 'us-east-1', forcePathStyle: true, accessKeyId, secretAccessKey }
  gateway = await startGateway({
    storage: { driver: 's3', delivery: 'proxied', bucket: bucket.bucket, abortMultipartAfter: '1ms', s3 },
    quotas: { ownerBytes: 1, ownerObjects: 1 },
    keys: [{ ...credentials, owner: 'alice' }],
  })
  client = new S3Client({
    endpoint: gateway.objectsUrl,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { ...credentials },
    maxAttempts: 1,
  })
})
afterAll(async () => {
  client?.destroy()
  await gateway?.close()
  await bucket?.remove()
})

it('have no buckets, and cannot store in the gateway’s bucket', async () => {
  await expect(client.send(new CreateBucketCommand({ Bucket: 'alice-1' }))).rejects.toMatchObject(
    failing('NotImplemented', 501),
  )
  const own = { Bucket: bucket.bucket, Key: 'uploads/a' }
  for (const command of [
    new PutObjectCommand({ ...own, Body: 'x' }),
    new UploadPartCommand({ ...own, UploadId: 'x', PartNumber: 1, Body: 'x' }),
  ])
    await expect(client.send(command as PutObjectCommand)).rejects.toMatchObject(failing('AccessDenied', 403))
  await expect(client.send(new CreateMultipartUploadCommand(own))).rejects.toMatchObject(failing('AccessDenied', 403))
})

it('do not affect uploads of the JSON API and of other programs', async () => {
  const alice = await as(gateway, 'alice')
  const begun = await alice.post('/files/multipart', { filename: 'a.mp4', mimeType: 'video/mp4', size: 9_000_000 })
  expect(begun.status).toBe(200)
  await bucket.s3.createMultipartUpload({ Bucket: bucket.bucket, Key: 'of another program' })
  const { stores, catalog, config } = gateway.gateway
  const now = (): Date => new Date(Date.now() + 3_600_000)
  const log = { warn: () => {} } as never
  const collected = await collectExpired({ stores, catalog, config, now, log, urls: { api: () => '' } })
  expect(collected).toMatchObject({ aborted: 0, failed: 0 })
  const { Uploads = [] } = await bucket.s3.listMultipartUploads({ Bucket: bucket.bucket })
  expect(Uploads.map(({ Key }) => Key).toSorted()).toEqual(['of another program', begun.json.key].toSorted())
})
