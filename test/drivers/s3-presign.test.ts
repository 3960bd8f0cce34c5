/** URLs of the s3 driver, without a store, because presigning is local. */
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { describe, expect, it } from 'vitest'
import { createS3Driver, type S3DriverOptions } from '../../src/drivers/s3/s3-driver.ts'
import { isStorageError } from '../../src/errors.ts'

const now = new Date('2026-01-02T03:04:05.678Z')
const base: S3DriverOptions = {
  bucket: 'files',
  region: 'eu-central-1',
  accessKeyId: 'AKIATEST',
  secretAccessKey: 'secret',
  now: () => now,
}
const key = "uploads/a b+ü!'()*~/x.png"
const ref = { bucket: 'files', key }
const sha256 = 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='

const configurations: [string, Partial<S3DriverOptions>, object][] = [
  ['AWS', {}, {}],
  ['AWS with a session token', { sessionToken: 'a+b/c==' }, {}],
  [
    'path style at an endpoint',
    { endpoint: 'http://minio:9000', provider: 'minio' },
    { endpoint: 'http://minio:9000', forcePathStyle: true },
  ],
]

describe.each(configurations)('%s', (_name, o, client) => {
  const sdk = new S3Client({
    region: 'eu-central-1',
    credentials: {
      accessKeyId: 'AKIATEST',
      secretAccessKey: 'secret',
      ...(o.sessionToken ? { sessionToken: o.sessionToken } : {}),
    },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...client,
  })
  const bySdk = (
    command: GetObjectCommand | HeadObjectCommand | PutObjectCommand | UploadPartCommand,
    headers: string[] = [],
  ) =>
    getSignedUrl(sdk, command as GetObjectCommand, {
      expiresIn: 600,
      signingDate: now,
      signableHeaders: new Set([...headers, 'host']),
      unhoistableHeaders: new Set(headers),
    })
  const at = { Bucket: 'files', Key: key }

  it('signs uploads as the SDK does', async () => {
    const driver = await createS3Driver({ ...base, ...o })
    const plain = await driver.presignUpload(ref, { expiresIn: 600, contentType: 'image/png' })
    expect(plain.url).toBe(await bySdk(new PutObjectCommand({ ...at, ContentType: 'image/png' }), ['content-type']))
    expect(plain).toMatchObject({ method: 'PUT', headers: { 'content-type': 'image/png' }, expiresIn: 600 })
    expect(plain.expiresAt).toEqual(new Date('2026-01-02T03:14:05Z'))

    const bound = await driver.presignUpload(ref, {
      expiresIn: 600,
      contentType: 'image/png',
      contentLength: 9,
      checksum: { algorithm: 'sha256', value: sha256 },
      ifNoneMatch: '*',
    })
    const command = new PutObjectCommand({
      ...at,
      ContentType: 'image/png',
      ContentLength: 9,
      ChecksumSHA256: sha256,
      IfNoneMatch: '*',
    })
    const names = ['content-type', 'content-length', 'x-amz-checksum-sha256', 'if-none-match']
    expect(bound.url).toBe(await bySdk(command, names))
    expect(bound.headers).toEqual({
      'content-type': 'image/png',
      'x-amz-checksum-sha256': sha256,
      'if-none-match': '*',
    })
  })

  it('signs parts, downloads and heads as the SDK does', async () => {
    const driver = await createS3Driver({ ...base, ...o })
    const part = await driver.presignUploadPart(ref, { uploadId: '2~a/b+c', partNumber: 7, expiresIn: 600 })
    expect(part.url).toBe(await bySdk(new UploadPartCommand({ ...at, UploadId: '2~a/b+c', PartNumber: 7 })))

    const response = { contentType: 'text/plain', contentDisposition: 'attachment; filename="a b.txt"' }
    const download = await driver.presignDownload(ref, { expiresIn: 600, versionId: 'v1', response })
    const command = new GetObjectCommand({
      ...at,
      VersionId: 'v1',
      ResponseContentType: response.contentType,
      ResponseContentDisposition: response.contentDisposition,
    })
    expect(download.url).toBe(await bySdk(command))
    expect((await driver.presignHead(ref, { expiresIn: 600 })).url).toBe(await bySdk(new HeadObjectCommand(at)))
  })
})

describe('a URL contains', () => {
  it('the public endpoint, and the key behind the prefix', async () => {
    const driver = await createS3Driver({
      ...base,
      endpoint: 'http://rgw.internal:7480',
      publicEndpoint: 'https://s3.example.com/store',
      prefix: 'app/',
    })
    const { url } = await driver.presignDownload({ bucket: 'files', key: 'uploads/a.png' }, { expiresIn: 60 })
    expect(url).toMatch(/^https:\/\/s3\.example\.com\/store\/files\/app\/uploads\/a\.png\?/)
    const form = await driver.presignPost(
      { bucket: 'files', key: 'uploads/a.png' },
      { expiresIn: 60, minBytes: 0, maxBytes: 9 },
    )
    expect(form.url).toBe('https://s3.example.com/store/files')
    expect(form.fields['key']).toBe('app/uploads/a.png')
  })

  it('the requested time of signing, so that URLs can be stable', async () => {
    const driver = await createS3Driver(base)
    const signedAt = new Date('2026-01-02T03:00:00Z')
    const signed = await driver.presignDownload(ref, { expiresIn: 600, signedAt })
    expect(new URL(signed.url).searchParams.get('X-Amz-Date')).toBe('20260102T030000Z')
    expect(signed.expiresAt).toEqual(new Date('2026-01-02T03:10:00Z'))
  })

  it('the public base URL, only for public files', async () => {
    const driver = await createS3Driver({ ...base, prefix: 'app/', publicBaseUrl: 'https://cdn.example.com/' })
    expect(driver.publicUrl({ bucket: 'files', key: 'public/a b.png' })).toBe(
      'https://cdn.example.com/app/public/a%20b.png',
    )
    expect(driver.publicUrl({ bucket: 'files', key: 'uploads/a.png' })).toBeNull()
    expect((await createS3Driver(base)).publicUrl({ bucket: 'files', key: 'public/a.png' })).toBeNull()
  })

  it.each([
    ['InvalidKey', { bucket: 'files', key: '' }],
    ['InvalidKey', { bucket: 'files', key: 'a/../b' }],
    ['InvalidKey', { bucket: 'files', key: 'a\u0000b' }],
    ['KeyTooLong', { bucket: 'files', key: 'x'.repeat(1021) }],
    ['NoSuchBucket', { bucket: 'other', key: 'a' }],
  ] as const)('is refused as %s for %j', async (code, wrong) => {
    const driver = await createS3Driver({ ...base, prefix: 'app/' })
    const error: unknown = await driver.presignDownload(wrong, { expiresIn: 60 }).catch((e: unknown) => e)
    expect(isStorageError(error, code)).toBe(true)
  })

  it('an access point by its ARN, which the SDK signs', async () => {
    const bucket = 'arn:aws:s3:eu-west-1:123456789012:accesspoint/media'
    const driver = await createS3Driver({ ...base, bucket })
    const signed = await driver.presignUpload(
      { bucket, key: 'uploads/a.png' },
      {
        expiresIn: 600,
        contentType: 'image/png',
        contentLength: 9,
        checksum: { algorithm: 'sha256', value: sha256 },
        ifNoneMatch: '*',
      },
    )
    const { hostname, pathname, searchParams } = new URL(signed.url)
    expect([hostname, pathname]).toEqual([
      'media-123456789012.s3-accesspoint.eu-west-1.amazonaws.com',
      '/uploads/a.png',
    ])
    expect(searchParams.get('X-Amz-SignedHeaders')).toBe(
      'content-length;content-type;host;if-none-match;x-amz-checksum-sha256',
    )
    expect(searchParams.get('X-Amz-Expires')).toBe('600')
    expect(signed.headers).toEqual({
      'content-type': 'image/png',
      'x-amz-checksum-sha256': sha256,
      'if-none-match': '*',
    })
    await driver.close()
  })
})
