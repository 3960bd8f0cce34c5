/** Further operations on objects, through the AWS SDK. */
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { element } from './endpoint.ts'
import { Bucket, client, endpoint, failing, put, serveSdk } from './sdk.ts'

serveSdk()

describe('objects', () => {
  test('are copied with and without their headers', async () => {
    await put('from ü?', 'bytes', { ContentType: 'text/css', Metadata: { a: 'b' }, Tagging: 'x=y' })
    const CopySource = `${Bucket}/${encodeURIComponent('from ü?')}`
    const copied = await client.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource }))
    expect(copied.CopyObjectResult?.ETag).toMatch(/^"[0-9a-f]{32}"$/)
    expect(copied.CopyObjectResult?.LastModified).toBeInstanceOf(Date)
    expect(await client.send(new HeadObjectCommand({ Bucket, Key: 'to' }))).toMatchObject({
      ContentType: 'text/css',
      Metadata: { a: 'b' },
    })
    await client.send(
      new CopyObjectCommand({ Bucket, Key: 'to', CopySource, MetadataDirective: 'REPLACE', Metadata: { c: 'd' } }),
    )
    expect((await client.send(new HeadObjectCommand({ Bucket, Key: 'to' }))).Metadata).toEqual({ c: 'd' })
    const self = { Bucket, Key: 'to', CopySource: `${Bucket}/to` }
    await expect(client.send(new CopyObjectCommand(self))).rejects.toMatchObject(failing('InvalidRequest', 400))
    await client.send(new CopyObjectCommand({ ...self, MetadataDirective: 'REPLACE' }))
    const stale = new CopyObjectCommand({ ...self, Key: 'other', CopySourceIfMatch: '"x"' })
    await expect(client.send(stale)).rejects.toMatchObject(failing('PreconditionFailed', 412))
    const gone = new CopyObjectCommand({ Bucket, Key: 'other', CopySource: `${Bucket}/gone` })
    await expect(client.send(gone)).rejects.toMatchObject(failing('NoSuchKey', 404))
  })

  test('are deleted many at once, and missing ones count as deleted', async () => {
    await put('many 1 <&>')
    const Objects = [
      { Key: 'many 1 <&>' },
      { Key: 'many 2' },
      { Key: 'many 3', VersionId: 'null' },
      { Key: 'a/../b' },
      { Key: 'x', VersionId: 'abc' },
    ]
    const answer = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(answer.Deleted).toEqual([{ Key: 'many 1 <&>' }, { Key: 'many 2' }, { Key: 'many 3', VersionId: 'null' }])
    expect(answer.Errors?.map(({ Key, Code }) => [Key, Code])).toEqual([
      ['a/../b', 'InvalidURI'],
      ['x', 'NoSuchVersion'],
    ])
    await expect(client.send(new GetObjectCommand({ Bucket, Key: 'many 1 <&>' }))).rejects.toMatchObject(
      failing('NoSuchKey', 404),
    )
    const quiet = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Quiet: true, Objects: [{ Key: 'a' }] } }),
    )
    expect(quiet.Deleted).toBeUndefined()
    const tooMany = Array.from({ length: 1001 }, (_, i) => ({ Key: `k${i}` }))
    await expect(client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: tooMany } }))).rejects.toMatchObject(
      failing('MalformedXML', 400),
    )
  })

  test('tags', async () => {
    const Key = 'tagged'
    await put(Key, 'x', { Tagging: 'a=1&b=c%20d' })
    const get = new GetObjectTaggingCommand({ Bucket, Key })
    expect((await client.send(get)).TagSet).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: 'c d' },
    ])
    expect((await client.send(new HeadObjectCommand({ Bucket, Key }))).$metadata.httpStatusCode).toBe(200)
    expect((await client.send(new GetObjectCommand({ Bucket, Key }))).TagCount).toBe(2)
    await client.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet: [{ Key: 'z', Value: '' }] } }))
    expect((await client.send(get)).TagSet).toEqual([{ Key: 'z', Value: '' }])
    const twice = [
      { Key: 'z', Value: '1' },
      { Key: 'z', Value: '2' },
    ]
    await expect(
      client.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet: twice } })),
    ).rejects.toMatchObject(failing('InvalidTag', 400))
    await client.send(new DeleteObjectTaggingCommand({ Bucket, Key }))
    expect((await client.send(get)).TagSet).toEqual([])
  })

  test('attributes', async () => {
    await put('facts', 'bytes', { ChecksumAlgorithm: 'SHA256' })
    const facts = await client.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: 'facts',
        ObjectAttributes: ['ETag', 'Checksum', 'ObjectSize', 'StorageClass', 'ObjectParts'],
      }),
    )
    expect(facts).toMatchObject({ ObjectSize: 5, StorageClass: 'STANDARD', ETag: '4b3a6218bb3e3a7303e8a171a60fcf92' })
    expect(facts.Checksum?.ChecksumSHA256).toMatch(/=$/)
    const answer = await endpoint.signed('alice', 'GET', `/${Bucket}/facts`, {
      query: { attributes: '' },
      headers: { 'x-amz-object-attributes': 'Mood' },
    })
    expect([answer.status, element(answer, 'Code')]).toEqual([400, 'InvalidArgument'])
  })

  test('return a checksum on request, but not with a range', async () => {
    await put('checked', 'bytes', { ChecksumAlgorithm: 'CRC32' })
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'checked', ChecksumMode: 'ENABLED' }))
    expect([head.ChecksumCRC32, head.ChecksumType]).toEqual([expect.stringMatching(/==$/), 'FULL_OBJECT'])
    const range = await client.send(
      new GetObjectCommand({ Bucket, Key: 'checked', Range: 'bytes=0-1', ChecksumMode: 'ENABLED' }),
    )
    expect(range.ChecksumCRC32).toBeUndefined()
  })
})
