/** Behaviour beyond the API reference that clients rely on, each seen in one of the suites of `test/interop`. */
import { hash } from 'node:crypto'
import { CreateMultipartUploadCommand, paginateListParts, UploadPartCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { element, keys, startEndpoint, type Endpoint } from './endpoint.ts'

let endpoint: Endpoint
const Bucket = 'quirks'
beforeAll(async () => {
  endpoint = await startEndpoint()
  await endpoint.signed('alice', 'PUT', `/${Bucket}`)
})
afterAll(() => endpoint.close())

describe('ListParts', () => {
  test.each([0, 1, 2, 3])('a paginator that only follows NextPartNumberMarker ends, with %i parts', async (count) => {
    const client = endpoint.client('alice')
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }))
    for (let PartNumber = 1; PartNumber <= count; PartNumber++) {
      await client.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber, Body: 'x' }))
    }
    const seen: number[] = []
    let pages = 0
    for await (const page of paginateListParts({ client, pageSize: 2 }, { Bucket, Key: 'parts', UploadId })) {
      seen.push(...(page.Parts ?? []).map(({ PartNumber }) => PartNumber ?? 0))
      pages += 1
      expect(pages).toBeLessThan(4)
    }
    expect(seen).toEqual([1, 2, 3].slice(0, count))
    client.destroy()
  })
})

describe('errors contain the fields that clients read', () => {
  test('NoSuchKey contains the key, for a copy the source key', async () => {
    const missing = await endpoint.signed('alice', 'GET', `/${Bucket}/no/such%20key`)
    expect([missing.status, element(missing, 'Key')]).toEqual([404, 'no/such key'])
    const headers = { 'x-amz-copy-source': `${Bucket}/nothing` }
    const copy = await endpoint.signed('alice', 'PUT', `/${Bucket}/target`, { headers })
    expect([copy.status, element(copy, 'Code'), element(copy, 'Key')]).toEqual([404, 'NoSuchKey', 'nothing'])
  })

  test('InvalidRange contains the range, and a missing part has its own code', async () => {
    await endpoint.signed('alice', 'PUT', `/${Bucket}/ten`, { body: '0123456789' })
    const range = await endpoint.signed('alice', 'GET', `/${Bucket}/ten`, { headers: { range: 'bytes=10-12' } })
    expect([range.status, element(range, 'Code'), element(range, 'RangeRequested')]).toEqual([
      416,
      'InvalidRange',
      'bytes=10-12',
    ])
    const part = await endpoint.signed('alice', 'GET', `/${Bucket}/ten`, { query: { partNumber: '2' } })
    expect([part.status, element(part, 'Code'), element(part, 'ActualPartCount')]).toEqual([
      416,
      'InvalidPartNumber',
      '1',
    ])
  })

  test.each(['GET', 'HEAD'])('%s signed for another region names the right one in a header', async (method) => {
    const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
    const scope = `${keys.alice.accessKeyId}/${date.slice(0, 8)}/eu-west-1/s3/aws4_request`
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${'0'.repeat(64)}`
    const headers = { authorization, 'x-amz-date': date, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
    const signed = await endpoint.raw(method, `/${Bucket}`, headers)
    const url = endpoint.target('alice', method, Bucket, 'k').replace('us-east-1', 'eu-west-1')
    const presigned = await endpoint.raw(method, url)
    for (const { status, headers: got } of [signed, presigned]) {
      expect([status, got.get('x-amz-bucket-region')]).toEqual([400, 'us-east-1'])
    }
  })

  test('a refused preflight grants no origin, even one whose requests are granted', async () => {
    const cors = [
      { allowedMethods: ['PUT'], allowedOrigins: ['https://a.example'], allowedHeaders: [], exposeHeaders: [] },
    ]
    await endpoint.store.setBucketCors(Bucket, cors)
    const answer = await endpoint.raw('OPTIONS', `/${Bucket}/k`, {
      origin: 'https://a.example',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'x-not-allowed',
    })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, undefined])
    expect(answer.headers.get('vary')).toContain('Origin')
  })
})

describe('copies', () => {
  const copy = (source: string, headers: Record<string, string> = {}) =>
    endpoint.signed('alice', 'PUT', `/${Bucket}/target`, { headers: { 'x-amz-copy-source': source, ...headers } })

  test('a + in the source is a space, %2B is a plus', async () => {
    await endpoint.signed('alice', 'PUT', `/${Bucket}/a%20b`, { body: 'space' })
    await endpoint.signed('alice', 'PUT', `/${Bucket}/a%2Bb`, { body: 'plus' })
    expect((await copy(`/${Bucket}/a+b`)).status).toBe(200)
    expect((await endpoint.signed('alice', 'GET', `/${Bucket}/target`)).text).toBe('space')
    expect((await copy(`/${Bucket}/a%2Bb`)).status).toBe(200)
    expect((await endpoint.signed('alice', 'GET', `/${Bucket}/target`)).text).toBe('plus')
  })

  test('enforce the expected owner of the source', async () => {
    await endpoint.signed('alice', 'PUT', `/${Bucket}/source`, { body: 'x' })
    const expecting = (owner: string) => copy(`/${Bucket}/source`, { 'x-amz-source-expected-bucket-owner': owner })
    expect((await expecting('alice')).status).toBe(200)
    const refused = await expecting('bob')
    expect([refused.status, element(refused, 'Code')]).toEqual([403, 'AccessDenied'])
  })

  test('have the requested storage class, not that of the source', async () => {
    const classOf = async (key: string): Promise<string | undefined> =>
      (await endpoint.signed('alice', 'HEAD', `/${Bucket}/${key}`)).headers.get('x-amz-storage-class')
    const headers = { 'x-amz-storage-class': 'STANDARD_IA', 'x-amz-meta-a': 'b' }
    await endpoint.signed('alice', 'PUT', `/${Bucket}/classed`, { body: 'x', headers })
    expect(await classOf('classed')).toBe('STANDARD_IA')
    await copy(`/${Bucket}/classed`)
    expect(await classOf('target')).toBeUndefined()
    await copy(`/${Bucket}/classed`, { 'x-amz-storage-class': 'ONEZONE_IA' })
    expect(await classOf('target')).toBe('ONEZONE_IA')
    const list = await endpoint.signed('alice', 'GET', `/${Bucket}`, { query: { prefix: 'target' } })
    expect(element(list, 'StorageClass')).toBe('ONEZONE_IA')
    // Onto itself a copy may change nothing but the class.
    expect((await copy(`/${Bucket}/target`, { 'x-amz-storage-class': 'GLACIER_IR' })).status).toBe(200)
    expect(await classOf('target')).toBe('GLACIER_IR')
    const kept = await endpoint.signed('alice', 'HEAD', `/${Bucket}/target`)
    expect(kept.headers.get('x-amz-meta-a')).toBe('b')
  })
})

test('reports the storage class of a multipart upload from the start', async () => {
  const client = endpoint.client('alice')
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key: 'classy', StorageClass: 'STANDARD_IA' }),
  )
  const part = new UploadPartCommand({ Bucket, Key: 'classy', UploadId, PartNumber: 1, Body: 'x' })
  const { ETag } = await client.send(part)
  const uploads = await endpoint.signed('alice', 'GET', `/${Bucket}`, { query: { uploads: '', prefix: 'classy' } })
  const parts = await endpoint.signed('alice', 'GET', `/${Bucket}/classy`, { query: { uploadId: UploadId! } })
  expect([element(uploads, 'StorageClass'), element(parts, 'StorageClass')]).toEqual(['STANDARD_IA', 'STANDARD_IA'])
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${ETag}</ETag></Part></CompleteMultipartUpload>`
  await endpoint.signed('alice', 'POST', `/${Bucket}/classy`, { query: { uploadId: UploadId! }, body })
  const head = await endpoint.signed('alice', 'HEAD', `/${Bucket}/classy`)
  expect(head.headers.get('x-amz-storage-class')).toBe('STANDARD_IA')
  client.destroy()
})

test.each([
  ['gzip, br', 'gzip, br'],
  ['aws-chunked', null],
  ['gzip, aws-chunked', 'gzip'],
  ['aws-chunked,deflate, gzip', 'deflate, gzip'],
])('content-encoding %j is kept as %j', async (sent, kept) => {
  await endpoint.signed('alice', 'PUT', `/${Bucket}/encoded`, { body: 'x', headers: { 'content-encoding': sent } })
  const head = await endpoint.signed('alice', 'HEAD', `/${Bucket}/encoded`)
  expect(head.headers.get('content-encoding') ?? null).toBe(kept)
})

test('keeps and sends a negative MaxAgeSeconds of a CORS rule', async () => {
  const rule = '<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin><MaxAgeSeconds>-1</MaxAgeSeconds>'
  const body = `<CORSConfiguration><CORSRule>${rule}</CORSRule></CORSConfiguration>`
  const headers = { 'content-md5': hash('md5', body, 'base64') }
  expect((await endpoint.signed('alice', 'PUT', `/${Bucket}`, { query: { cors: '' }, body, headers })).status).toBe(200)
  const preflight = await endpoint.raw('OPTIONS', `/${Bucket}/k`, {
    origin: 'https://app.example.com',
    'access-control-request-method': 'GET',
  })
  expect(preflight.headers.get('access-control-max-age')).toBe('-1')
})
