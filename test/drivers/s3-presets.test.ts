import { describe, expect, it } from 'vitest'
import { isStorageError } from '../../src/errors.ts'
import { detectProvider, presets, providers } from '../../src/drivers/s3/presets.ts'
import { createS3Driver } from '../../src/drivers/s3/s3-driver.ts'
import { publicOrigin, resolveSettings, type S3DriverOptions } from '../../src/drivers/s3/settings.ts'

const options: S3DriverOptions = {
  bucket: 'files',
  accessKeyId: 'AKIATEST',
  secretAccessKey: 'secret',
  now: () => new Date('2026-01-02T03:04:05Z'),
}
const ref = { bucket: 'files', key: 'uploads/a.png' }

describe('provider presets', () => {
  it.each([
    [null, 'aws'],
    ['https://s3.eu-central-1.amazonaws.com', 'aws'],
    ['https://s3.cn-north-1.amazonaws.com.cn', 'aws'],
    ['https://0123abcd.r2.cloudflarestorage.com', 'r2'],
    ['https://0123abcd.eu.r2.cloudflarestorage.com', 'r2'],
    ['https://storage.googleapis.com', 'gcs'],
    ['https://s3.us-west-004.backblazeb2.com', 'b2'],
    ['http://minio:9000', 'minio'],
    ['https://minio.example.com', 'minio'],
    ['https://rgw.example.com', 'ceph'],
    ['http://ceph-rgw.internal:7480', 'ceph'],
    ['http://garage:3900', 'garage'],
    ['http://127.0.0.1:9000', 'other'],
    ['https://amazonaws.com.example.org', 'other'],
    ['https://dominion.example.com', 'other'],
  ] as const)('detects %s as %s', (endpoint, provider) => {
    expect(detectProvider(endpoint)).toBe(provider)
  })

  it.each([
    [{}, 'us-east-1', 'https://s3.us-east-1.amazonaws.com'],
    [{ region: 'eu-west-3' }, 'eu-west-3', 'https://s3.eu-west-3.amazonaws.com'],
    [{ region: 'cn-north-1' }, 'cn-north-1', 'https://s3.cn-north-1.amazonaws.com.cn'],
    [{ endpoint: 'https://s3.eu-central-1.amazonaws.com' }, 'eu-central-1', 'https://s3.eu-central-1.amazonaws.com'],
    [{ endpoint: 'https://s3.us-west-004.backblazeb2.com' }, 'us-west-004', 'https://s3.us-west-004.backblazeb2.com'],
    [{ endpoint: 'https://a.r2.cloudflarestorage.com' }, 'auto', 'https://a.r2.cloudflarestorage.com'],
    [{ endpoint: 'http://garage:3900' }, 'garage', 'http://garage:3900'],
    [{ endpoint: 'http://127.0.0.1:9000' }, 'us-east-1', 'http://127.0.0.1:9000'],
  ])('completes %j to region %s at %s', (o, region, endpoint) => {
    expect(resolveSettings({ ...options, ...o })).toMatchObject({ region, endpoint, publicEndpoint: endpoint })
  })

  it('puts the bucket into the host name on AWS, unless a certificate would not cover it', () => {
    expect(resolveSettings(options).pathStyle).toBe(false)
    expect(resolveSettings({ ...options, bucket: 'my.files' }).pathStyle).toBe(true)
    expect(resolveSettings({ ...options, forcePathStyle: true }).pathStyle).toBe(true)
    expect(resolveSettings({ ...options, endpoint: 'http://minio:9000' }).pathStyle).toBe(true)
    expect(resolveSettings({ ...options, endpoint: 'http://minio:9000', forcePathStyle: false }).pathStyle).toBe(false)
  })

  it('returns the origin that browsers reach', () => {
    expect(publicOrigin(options)).toBe('https://files.s3.us-east-1.amazonaws.com')
    expect(publicOrigin({ ...options, endpoint: 'http://minio:9000' })).toBe('http://minio:9000')
    expect(
      publicOrigin({ ...options, endpoint: 'http://minio:9000', publicEndpoint: 'https://s3.example.com/x' }),
    ).toBe('https://s3.example.com')
    expect(publicOrigin({ ...options, bucket: 'arn:aws:s3:eu-west-1:123456789012:accesspoint/media' })).toBeNull()
  })

  it('rejects conflicting settings', async () => {
    const refused = async (o: Partial<S3DriverOptions>) =>
      expect(await createS3Driver({ ...options, ...o }).catch((e: unknown) => e)).toSatisfy((e) =>
        isStorageError(e, 'InvalidArgument'),
      )
    await refused({ provider: 'minio' })
    await refused({ secretAccessKey: null })
    await refused({ accessKeyId: null })
  })

  it.each(providers)('%s rejects constraints that it is not known to enforce', async (provider) => {
    const driver = await createS3Driver({ ...options, provider, endpoint: 'https://store.example.com' })
    const { capabilities } = presets[provider]
    const signing = {
      'signed-length': driver.presignUpload(ref, { expiresIn: 60, contentLength: 9 }),
      'signed-checksum': driver.presignUpload(ref, { expiresIn: 60, checksum: { algorithm: 'sha256', value: 'x' } }),
      'conditional-put': driver.presignUpload(ref, { expiresIn: 60, ifNoneMatch: '*' }),
      'presign-post': driver.presignPost(ref, { expiresIn: 60, minBytes: 0, maxBytes: 9 }),
    } as const
    for (const [capability, attempt] of Object.entries(signing)) {
      const outcome: unknown = await attempt.then(
        () => 'signed',
        (e: unknown) => (isStorageError(e) ? e.code : e),
      )
      const has = capabilities.some((one) => one === capability)
      expect([capability, outcome]).toEqual([capability, has ? 'signed' : 'NotSupported'])
    }
    expect([...driver.capabilities]).toEqual(capabilities)
  })
})
