/** Presigned URLs with `x-amz-*` headers in the query, as the SDKs for JavaScript and Ruby send them by default. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGateway, testSecrets, type RunningGateway } from '../fixtures/gateway.ts'
import { Bucket, client, endpoint, put, serveSdk } from './sdk.ts'
import { element, type PresignedOptions } from './endpoint.ts'

serveSdk()

const send = (url: string, method: string, headers: Record<string, string> = {}, body?: string): Promise<Response> =>
  fetch(url, { method, headers, ...(body !== undefined && { body }) })

const putUrl = (input: Partial<PutObjectCommandInput> & { Key: string }): Promise<string> =>
  getSignedUrl(client, new PutObjectCommand({ Bucket, ...input }))

const code = async (answer: Response): Promise<[number, string | undefined]> => [
  answer.status,
  /<Code>([^<]*)/.exec(await answer.text())?.[1],
]

describe('a PUT URL of the AWS SDK for JavaScript', () => {
  test('stores the metadata that it was signed with', async () => {
    const url = await putUrl({ Key: 'meta', Metadata: { album: '2026', title: 'né  à' } })
    expect(url).toContain('x-amz-meta-album=2026')
    expect((await send(url, 'PUT', {}, 'bytes')).status).toBe(200)
    const { Metadata } = await client.send(new HeadObjectCommand({ Bucket, Key: 'meta' }))
    expect(Metadata?.['album']).toBe('2026')
    expect(Buffer.from(Metadata?.['title'] ?? '', 'latin1').toString()).toBe('né  à')
  })

  test('makes the object public by its ACL', async () => {
    const url = await putUrl({ Key: 'open', ACL: 'public-read' })
    expect((await send(url, 'PUT', {}, 'bytes')).status).toBe(200)
    expect(await (await send(`${endpoint.url}/${Bucket}/open`, 'GET')).text()).toBe('bytes')
    const closed = await putUrl({ Key: 'closed', ACL: 'private' })
    expect((await send(closed, 'PUT', {}, 'bytes')).status).toBe(200)
    expect((await send(`${endpoint.url}/${Bucket}/closed`, 'GET')).status).toBe(403)
  })

  test.each<[string, Omit<Partial<PutObjectCommandInput>, 'Key'>, number, string]>([
    ['an ACL that is not implemented', { ACL: 'aws-exec-read' }, 501, 'NotImplemented'],
    ['a grant to a mail address', { GrantRead: 'emailAddress=a@b.c' }, 400, 'UnresolvableGrantByEmailAddress'],
    ['another storage class', { StorageClass: 'GLACIER' }, 400, 'InvalidStorageClass'],
    ['object lock', { ObjectLockLegalHoldStatus: 'ON' }, 400, 'InvalidRequest'],
    ['a website redirect', { WebsiteRedirectLocation: '/other' }, 501, 'NotImplemented'],
    ['another expected owner', { ExpectedBucketOwner: 'bob' }, 403, 'AccessDenied'],
    ['too much metadata', { Metadata: { a: 'x'.repeat(2100) } }, 400, 'MetadataTooLarge'],
  ])('rejects %s like the header', async (_, input, status, expected) => {
    const Key = 'refused'
    const before = await endpoint.state()
    expect(await code(await send(await putUrl({ Key, ...input }), 'PUT', {}, 'bytes'))).toEqual([status, expected])
    const sent = put(Key, 'bytes', input)
    await expect(sent).rejects.toMatchObject({ name: expected, $metadata: { httpStatusCode: status } })
    expect(await endpoint.state()).toEqual(before)
  })

  test('accepts the same values as the header', async () => {
    const url = await putUrl({ Key: 'plain', StorageClass: 'STANDARD', ExpectedBucketOwner: 'alice' })
    expect((await send(url, 'PUT', {}, 'bytes')).status).toBe(200)
  })

  test('ignores tags and checksums in the query, as AWS does', async () => {
    const url = await putUrl({ Key: 'tagged', Tagging: 'a=b' })
    expect(url).toMatch(/x-amz-tagging=.*x-amz-checksum-crc32=|x-amz-checksum-crc32=.*x-amz-tagging=/)
    expect((await send(url, 'PUT', {}, 'bytes')).status).toBe(200)
    const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }))
    expect(TagSet).toEqual([])
  })

  test('refuses server-side encryption that was moved into the query', async () => {
    const before = await endpoint.state()
    const command = new PutObjectCommand({ Bucket, Key: 'sse', ServerSideEncryption: 'AES256' })
    const hoistableHeaders = new Set(['x-amz-server-side-encryption'])
    const url = await getSignedUrl(client, command, { hoistableHeaders })
    expect(url).toContain('x-amz-server-side-encryption=AES256')
    expect(await code(await send(url, 'PUT', {}, 'bytes'))).toEqual([501, 'NotImplemented'])
    expect(await endpoint.state()).toEqual(before)
  })
})

describe('the same name in the query and in a header', () => {
  const target = (o: PresignedOptions): string => endpoint.target('alice', 'PUT', Bucket, 'both', o)
  const write = (to: string, headers: Record<string, string>) =>
    endpoint.raw('PUT', to, { 'content-length': '5', ...headers }, 'bytes')

  test.each(['x-amz-meta-a', 'x-amz-acl', 'x-amz-tagging', 'x-amz-checksum-crc32', 'x-amz-storage-class'])(
    '%s is rejected if the header is not signed',
    async (name) => {
      const before = await endpoint.state()
      for (const value of ['private', 'other']) {
        const answer = await write(target({ query: { [name]: 'private' } }), { [name]: value })
        expect([answer.status, element(answer, 'Code')]).toEqual([403, 'AccessDenied'])
        expect(element(answer, 'HeadersNotSigned')).toBe(name)
      }
      expect(await endpoint.state()).toEqual(before)
    },
  )

  test('is accepted if both are signed and equal, and refused if they differ', async () => {
    const both = { query: { 'x-amz-meta-a': 'b' }, headers: { 'x-amz-meta-a': 'b' } }
    expect((await write(target(both), { 'x-amz-meta-a': 'b' })).status).toBe(200)
    const other = target({ query: { 'x-amz-meta-a': 'b' }, headers: { 'x-amz-meta-a': 'c' } })
    expect((await write(other, { 'x-amz-meta-a': 'c' })).status).toBe(403)
  })

  test('is refused in two spellings in the query', async () => {
    const twice = target({ query: { 'x-amz-meta-a': 'b', 'X-Amz-Meta-A': 'b' } })
    expect((await write(twice, {})).status).toBe(400)
  })

  test('a parameter appended to a URL only breaks the signature', async () => {
    const answer = await write(`${target({})}&x-amz-acl=public-read`, {})
    expect([answer.status, element(answer, 'Code')]).toEqual([403, 'SignatureDoesNotMatch'])
  })

  test('a line break in a parameter is refused', async () => {
    const answer = await write(target({ query: { 'x-amz-meta-a': 'b\r\nset-cookie: c' } }), {})
    expect([answer.status, element(answer, 'Code')]).toEqual([400, 'InvalidArgument'])
  })
})

test('parameters have no effect next to an Authorization header, or in an anonymous request', async () => {
  const query = { 'x-amz-acl': 'public-read', 'x-amz-meta-a': 'b' }
  expect((await endpoint.signed('alice', 'PUT', `/${Bucket}/headed`, { query, body: 'bytes' })).status).toBe(200)
  expect((await endpoint.raw('GET', `/${Bucket}/headed`)).status).toBe(403)
  const { Metadata } = await client.send(new HeadObjectCommand({ Bucket, Key: 'headed' }))
  expect(Metadata).toEqual({})
})

test('a presigned CreateMultipartUpload keeps metadata and ACL, and requires no checksums', async () => {
  const Key = 'parts'
  const command = new CreateMultipartUploadCommand({ Bucket, Key, Metadata: { album: '2026' }, ACL: 'public-read' })
  const begun = await (await send(await getSignedUrl(client, command), 'POST')).text()
  const UploadId = /<UploadId>([^<]*)/.exec(begun)?.[1] ?? ''
  const part = { Bucket, Key, UploadId, PartNumber: 1 }
  const sent = await send(await getSignedUrl(client, new UploadPartCommand(part)), 'PUT', {}, 'bytes')
  expect(sent.status).toBe(200)
  const complete = await getSignedUrl(client, new CompleteMultipartUploadCommand({ Bucket, Key, UploadId }))
  const parts = `<Part><PartNumber>1</PartNumber><ETag>${sent.headers.get('etag')}</ETag></Part>`
  const document = `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`
  expect((await send(complete, 'POST', { 'content-type': 'application/xml' }, document)).status).toBe(200)
  const read = await send(`${endpoint.url}/${Bucket}/${Key}`, 'GET')
  expect([read.status, read.headers.get('x-amz-meta-album')]).toEqual([200, '2026'])
})

test.each([
  ['object lock', { ObjectLockLegalHoldStatus: 'ON' }, [400, 'InvalidRequest']],
  ['another storage class', { StorageClass: 'GLACIER' }, [400, 'InvalidStorageClass']],
] as const)('a presigned CreateMultipartUpload with %s is refused', async (_, more, expected) => {
  const command = new CreateMultipartUploadCommand({ Bucket, Key: 'none', ...more })
  expect(await code(await send(await getSignedUrl(client, command), 'POST'))).toEqual(expected)
  expect((await endpoint.store.listMultipartUploads({ bucket: Bucket })).uploads).toEqual([])
})

test('a presigned CopyObject copies instead of storing an empty object', async () => {
  await put('source', 'of the copy', { Metadata: { a: 'b' } })
  const command = new CopyObjectCommand({ Bucket, Key: 'copied', CopySource: `${Bucket}/source` })
  const answer = await send(await getSignedUrl(client, command), 'PUT')
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('<CopyObjectResult')])
  expect((await endpoint.signed('alice', 'GET', `/${Bucket}/copied`)).text).toBe('of the copy')
  await endpoint.signed('bob', 'PUT', '/bob-1')
  await endpoint.signed('bob', 'PUT', '/bob-1/secret', { body: 'of bob' })
  const foreign = new CopyObjectCommand({ Bucket, Key: 'stolen', CopySource: 'bob-1/secret' })
  expect(await code(await send(await getSignedUrl(client, foreign), 'PUT'))).toEqual([403, 'AccessDenied'])
})

test('a presigned GET with another expected owner is refused', async () => {
  await put('mine')
  const url = (ExpectedBucketOwner: string): Promise<string> =>
    getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'mine', ExpectedBucketOwner }))
  expect((await send(await url('alice'), 'GET')).status).toBe(200)
  expect(await code(await send(await url('bob'), 'GET'))).toEqual([403, 'AccessDenied'])
})

test('a query of more than 100 parameters is refused before its signature is computed', async () => {
  const query = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`x-amz-meta-a${at}`, 'b']))
  const before = await endpoint.state()
  for (const answer of [
    await endpoint.raw('PUT', endpoint.target('alice', 'PUT', Bucket, 'many', { query }), { 'content-length': '0' }),
    await endpoint.signed('alice', 'PUT', `/${Bucket}/many`, { query, body: 'bytes' }),
  ]) {
    expect([answer.status, element(answer, 'Code')]).toEqual([400, 'InvalidRequest'])
    expect(element(answer, 'Message')).toMatch(/1\d\d parameters, which is over the limit of 100/)
  }
  expect(await endpoint.state()).toEqual(before)
})

describe('behind storage.delivery: proxied', () => {
  let bucket: RunningGateway
  let proxied: RunningGateway
  let gateway: S3Client
  beforeAll(async () => {
    const key = { accessKeyId: 'HOISTEDTESTTESTTEST1', secretAccessKey: 'a-hoisted-secret-0123456789abcdef0123456' }
    bucket = await startGateway({ keys: [{ ...key, owner: 'carol' }] })
    const { objectsUrl } = bucket
    await bucket.gateway.driver.createBucket('bucket', { owner: 'carol' })
    const s3 = { provider: 'other', endpoint: objectsUrl, region: 'us-east-1', forcePathStyle: true, ...key }
    proxied = await startGateway({ storage: { driver: 's3', delivery: 'proxied', bucket: 'bucket', s3 } })
    const credentials = { ...testSecrets.signing }
    gateway = new S3Client({ endpoint: proxied.objectsUrl, region: 'us-east-1', forcePathStyle: true, credentials })
  })
  afterAll(async () => {
    gateway?.destroy()
    await proxied?.close()
    await bucket?.close()
  })

  test('metadata of the URL reaches the bucket, and an unsigned copy of it is refused', async () => {
    const at = { Bucket: 'bucket', Key: 'uploads/meta' }
    const url = await getSignedUrl(gateway, new PutObjectCommand({ ...at, Metadata: { album: '2026' } }))
    expect(await code(await send(url, 'PUT', { 'x-amz-meta-album': '2026' }, 'bytes'))).toEqual([403, 'AccessDenied'])
    expect((await send(url, 'PUT', {}, 'bytes')).status).toBe(200)
    const { metadata } = await bucket.gateway.driver.headObject({ bucket: at.Bucket, key: at.Key })
    expect(metadata).toEqual({ album: '2026' })
  })
})
