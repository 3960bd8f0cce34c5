/** A real Ceph RGW: doctor reports only what it really lacks, and --fix sets its CORS rules. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bucketChecks } from '../../src/doctor/bucket/bucket-checks.ts'
import { createStoreProbe, type StoreTarget } from '../../src/doctor/bucket/store-probe.ts'
import { runChecks, type Result } from '../../src/doctor/check.ts'
import { applyCors } from '../../src/doctor/bucket/cors-rules.ts'
import { createTestBucket, type TestBucket } from '../fixtures/s3-store.ts'

const origin = 'http://localhost:5173'
let test: TestBucket
beforeAll(async () => {
  test = await createTestBucket()
})
afterAll(() => test.remove())

async function examined(o: Partial<StoreTarget> = {}): Promise<Record<string, Result>> {
  const { endpoint, bucket, accessKeyId, secretAccessKey } = test
  const probe = createStoreProbe({
    isOwnEndpoint: false,
    settings: {
      endpoint: 'storage.s3.endpoint',
      publicEndpoint: 'storage.s3.publicEndpoint',
      region: 'storage.s3.region',
    },
    endpoint,
    publicEndpoint: endpoint,
    named: { url: endpoint, setting: 'storage.s3.publicEndpoint' },
    bucket,
    region: 'us-east-1',
    pathStyle: true,
    prefix: 'app/',
    credentials: { accessKeyId, secretAccessKey },
    expiration: null,
    provider: 'ceph',
    signsLength: true,
    longestUrl: 3600,
    origins: [],
    now: () => new Date(),
    ...o,
  })
  const results = await runChecks('bucket', bucketChecks(probe.target.origins), probe)
  expect(await probe.cleanUp()).toEqual([])
  return Object.fromEntries(results.map((result) => [result.check, result]))
}
const failed = (results: Record<string, Result>): string[] =>
  Object.values(results)
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ check }) => check)

it('passes except for checksums, which it ignores, and an unsigned copy source, which it accepts', async () => {
  const results = await examined()
  expect(failed(results)).toEqual(['checksum', 'copy-source'])
  expect(results['copy-source']?.message).toContain('CVE-2026-54330')
  const { KeyCount } = await test.s3.listObjectsV2({ Bucket: test.bucket })
  expect(KeyCount).toBe(0)
})

it('distinguishes a wrong secret, an unknown key and a missing bucket', async () => {
  const { accessKeyId, secretAccessKey } = test
  expect(failed(await examined({ credentials: { accessKeyId, secretAccessKey: 'x'.repeat(40) } }))).toEqual([
    'credentials',
  ])
  expect(failed(await examined({ credentials: { accessKeyId: 'AKIANOBODYNOBODY0001', secretAccessKey } }))).toEqual([
    'credentials',
  ])
  expect(failed(await examined({ bucket: 'postern-nobodys-bucket' }))).toEqual(['bucket'])
})

it('has no CORS rules at first, and those of --fix afterwards', async () => {
  const name = `cors:${origin}`
  expect((await examined({ origins: [origin] }))[name]).toMatchObject({
    outcome: 'failed',
    fix: expect.stringContaining('CORSRules'),
  })
  const probe = createStoreProbe({
    isOwnEndpoint: false,
    settings: {
      endpoint: 'storage.s3.endpoint',
      publicEndpoint: 'storage.s3.publicEndpoint',
      region: 'storage.s3.region',
    },
    endpoint: test.endpoint,
    publicEndpoint: test.endpoint,
    named: { url: test.endpoint, setting: 'storage.s3.publicEndpoint' },
    bucket: test.bucket,
    region: 'us-east-1',
    pathStyle: true,
    prefix: '',
    credentials: { accessKeyId: test.accessKeyId, secretAccessKey: test.secretAccessKey },
    expiration: null,
    provider: 'ceph',
    signsLength: true,
    longestUrl: 60,
    origins: [origin],
    now: () => new Date(),
  })
  expect(await applyCors(probe)).toMatchObject({ outcome: 'ok' })
  expect((await examined({ origins: [origin] }))[name]).toMatchObject({ outcome: 'ok' })
})
