/** What foreign clients rely on beyond the API reference, each seen in one of the suites of `test/interop`. */
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
  test.each([0, 1, 2, 3])('a paginator that follows NextPartNumberMarker alone ends, with %i parts', async (count) => {
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

describe('errors say what foreign clients look for', () => {
  test('NoSuchKey names the key, of a copy the one of its source', async () => {
    const missing = await endpoint.signed('alice', 'GET', `/${Bucket}/no/such%20key`)
    expect([missing.status, element(missing, 'Key')]).toEqual([404, 'no/such key'])
    const headers = { 'x-amz-copy-source': `${Bucket}/nothing` }
    const copy = await endpoint.signed('alice', 'PUT', `/${Bucket}/target`, { headers })
    expect([copy.status, element(copy, 'Code'), element(copy, 'Key')]).toEqual([404, 'NoSuchKey', 'nothing'])
  })

  test('InvalidRange repeats the range, and a part that is not there has a code of its own', async () => {
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
