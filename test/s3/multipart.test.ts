/** Multipart uploads through the endpoint, and security case 92. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type CompleteMultipartUploadCommandOutput,
} from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { element } from './endpoint.ts'
import { Bucket, client, endpoint, failing, serveSdk } from './sdk.ts'

const five = 5 * 1024 * 1024
const big = Buffer.alloc(five, 'a')
serveSdk()

const begin = async (Key: string, more: object = {}): Promise<string> =>
  (await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId!
const part = async (
  Key: string,
  UploadId: string,
  PartNumber: number,
  Body: string | Buffer,
): Promise<CompletedPart> => {
  const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))
  return { PartNumber, ETag, ...(ChecksumCRC32 && { ChecksumCRC32 }) }
}
const complete = (
  Key: string,
  UploadId: string,
  Parts: CompletedPart[],
  more: object = {},
): Promise<CompleteMultipartUploadCommandOutput> =>
  client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }))
const md5 = (bytes: Buffer | string): Buffer => createHash('md5').update(bytes).digest()

describe('an upload in parts', () => {
  test('is created, listed, completed, completed again, and read by part', async () => {
    const Key = 'parts/ü 1'
    const UploadId = await begin(Key, { ContentType: 'video/mp4', Metadata: { a: 'b' } })
    const parts = [await part(Key, UploadId, 1, big), await part(Key, UploadId, 7, 'the end')]
    const listed = await client.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 1 }))
    expect(listed).toMatchObject({
      IsTruncated: true,
      NextPartNumberMarker: '1',
      Parts: [{ PartNumber: 1, Size: five, ETag: parts[0]!.ETag }],
    })
    const rest = await client.send(new ListPartsCommand({ Bucket, Key, UploadId, PartNumberMarker: '1' }))
    expect(rest.Parts?.map(({ PartNumber }) => PartNumber)).toEqual([7])
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'parts/' }))
    expect(uploads.Uploads).toMatchObject([{ Key, UploadId, Owner: { ID: 'alice' } }])
    const done = await complete(Key, UploadId, parts)
    const etag = `"${md5(Buffer.concat([md5(big), md5('the end')])).toString('hex')}-2"`
    expect(done.ETag).toBe(etag)
    expect(done.Location).toContain('/alice-1/parts/%C3%BC%201')
    expect((await complete(Key, UploadId, parts)).ETag).toBe(etag)
    const head = await client.send(new HeadObjectCommand({ Bucket, Key }))
    expect(head).toMatchObject({ ContentLength: five + 7, ContentType: 'video/mp4', Metadata: { a: 'b' } })
    const second = await client.send(new GetObjectCommand({ Bucket, Key, PartNumber: 7 }))
    expect(second).toMatchObject({
      PartsCount: 2,
      ContentLength: 7,
      ContentRange: `bytes ${five}-${five + 6}/${five + 7}`,
    })
    expect(await second.Body?.transformToString()).toBe('the end')
    const headOfPart = await client.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 7 }))
    expect(headOfPart).toMatchObject({ PartsCount: 2, ContentLength: 7 })
    await expect(client.send(new GetObjectCommand({ Bucket, Key, PartNumber: 3 }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 416 },
    })
  })

  test('copies a part, whole and by range', async () => {
    const Key = 'copied'
    await endpoint.signed('alice', 'PUT', `/${Bucket}/source`, { body: big })
    const UploadId = await begin(Key)
    const CopySource = `${Bucket}/source`
    const first = await client.send(new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber: 1, CopySource }))
    const second = await client.send(
      new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber: 2, CopySource, CopySourceRange: 'bytes=0-9' }),
    )
    await complete(Key, UploadId, [
      { PartNumber: 1, ETag: first.CopyPartResult?.ETag },
      { PartNumber: 2, ETag: second.CopyPartResult?.ETag },
    ])
    expect((await client.send(new HeadObjectCommand({ Bucket, Key }))).ContentLength).toBe(five + 10)
    for (const range of ['0-2', 'bytes=0', 'bytes=-5', 'bytes=5-2', 'bytes=0-1,3-4', 'bytes=0-x']) {
      const wrong = new UploadPartCopyCommand({
        Bucket,
        Key,
        UploadId,
        PartNumber: 3,
        CopySource,
        CopySourceRange: range,
      })
      await expect(client.send(wrong)).rejects.toMatchObject(failing('InvalidArgument', 400))
    }
  })

  test('with a checksum', async () => {
    const Key = 'checked'
    const UploadId = await begin(Key, { ChecksumAlgorithm: 'CRC32' })
    await complete(Key, UploadId, [await part(Key, UploadId, 1, big), await part(Key, UploadId, 2, 'b')])
    const head = await client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
    expect(head.ChecksumCRC32).toMatch(/-2$/)
    expect(head.ChecksumType).toBe('COMPOSITE')
  })
})

describe('refused', () => {
  test('wrong order, ETags, sizes and conditions, and unknown uploads', async () => {
    const Key = 'refused'
    const UploadId = await begin(Key)
    const one = await part(Key, UploadId, 1, 'small')
    const two = await part(Key, UploadId, 2, 'last')
    const before = await endpoint.state()
    await expect(complete(Key, UploadId, [two, one])).rejects.toMatchObject(failing('InvalidPartOrder', 400))
    await expect(complete(Key, UploadId, [{ ...one, ETag: `"${'0'.repeat(32)}"` }])).rejects.toMatchObject(
      failing('InvalidPart', 400),
    )
    await expect(complete(Key, UploadId, [{ ...one, PartNumber: 3 }])).rejects.toMatchObject(
      failing('InvalidPart', 400),
    )
    await expect(complete(Key, UploadId, [one, two])).rejects.toMatchObject(failing('EntityTooSmall', 400))
    await expect(complete(Key, UploadId, [])).rejects.toMatchObject(failing('MalformedXML', 400))
    await expect(complete(Key, 'abc', [one])).rejects.toMatchObject(failing('NoSuchUpload', 404))
    await expect(complete('other', UploadId, [one])).rejects.toMatchObject(failing('NoSuchUpload', 404))
    await expect(part(Key, UploadId, 10_001, 'x')).rejects.toMatchObject(failing('InvalidArgument', 400))
    await expect(part(Key, UploadId, 0, 'x')).rejects.toMatchObject(failing('InvalidArgument', 400))
    await expect(part(Key, '../../etc', 1, 'x')).rejects.toMatchObject(failing('NoSuchUpload', 404))
    expect(await endpoint.state()).toEqual(before)
    await endpoint.signed('alice', 'PUT', `/${Bucket}/${Key}`, { body: 'there' })
    await expect(complete(Key, UploadId, [one], { IfNoneMatch: '*' })).rejects.toMatchObject(
      failing('PreconditionFailed', 412),
    )
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
    await expect(client.send(new ListPartsCommand({ Bucket, Key, UploadId }))).rejects.toMatchObject(
      failing('NoSuchUpload', 404),
    )
    expect((await endpoint.signed('alice', 'GET', `/${Bucket}/${Key}`)).text).toBe('there')
  })

  test('an upload of another owner', async () => {
    const UploadId = await begin('mine')
    const query = { uploadId: UploadId }
    for (const [method, more] of [
      ['GET', {}],
      ['DELETE', {}],
      ['POST', {}],
      ['PUT', { partNumber: '1' }],
    ] as const) {
      const answer = await endpoint.signed('bob', method, `/${Bucket}/mine`, { query: { ...query, ...more } })
      expect([answer.status, element(answer, 'Code')]).toEqual([403, 'AccessDenied'])
    }
  })

  test('a URL for one part, used for another', async () => {
    const UploadId = await begin('bound')
    const target = endpoint.target('alice', 'PUT', Bucket, 'bound', { query: { partNumber: '1', uploadId: UploadId } })
    const length = { 'content-length': '1' }
    const other = await endpoint.raw('PUT', target.replace('partNumber=1', 'partNumber=2'), length, 'x')
    expect(element(other, 'Code')).toBe('SignatureDoesNotMatch')
    const plain = await endpoint.raw(
      'PUT',
      target.replace(/&?uploadId=[^&]*/, '').replace(/&?partNumber=1/, ''),
      length,
      'x',
    )
    expect(element(plain, 'Code')).toBe('SignatureDoesNotMatch')
    expect((await endpoint.raw('PUT', target, length, 'x')).status).toBe(200)
  })
})
