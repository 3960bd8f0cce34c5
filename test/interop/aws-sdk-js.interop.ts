import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListBuckets,
  paginateListObjectsV2,
  paginateListParts,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
  waitUntilObjectExists,
  waitUntilObjectNotExists,
  type ChecksumAlgorithm,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeURIPath } from './encode-uri-path.ts'
import { makeFiles, sha256, startHarness, type Harness } from './harness.ts'

const Bucket = 'sdk-js'
let harness: Harness
let files: Map<string, Buffer>
beforeAll(async () => {
  harness = await startHarness()
  await harness.bucket(Bucket)
  files = await makeFiles(join(harness.dir, 'files'))
})
afterAll(() => harness.close())

const read = async (Key: string): Promise<Buffer> => {
  const got = await harness.client().send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
  return Buffer.from((await got.Body?.transformToByteArray()) ?? [])
}

/** The one that an answer has, of whatever algorithm. */
const checksumOf = (answer: object): unknown =>
  Object.entries(answer).find(([name]) => /^Checksum[CS][A-Z0-9]+$/.test(name))?.[1]

describe('the AWS SDK for JavaScript', () => {
  test('uploads buffers and reads them back, verified by its own checksums', async () => {
    for (const [name, bytes] of files) {
      const Key = `buffer/${name}`
      await harness.client().send(new PutObjectCommand({ Bucket, Key, Body: bytes }))
      expect(sha256(await read(Key))).toBe(sha256(bytes))
    }
  })

  test('reads each part with its own checksum, and verifies it', async () => {
    const client = harness.client()
    const bodies = [Buffer.alloc(5 * 1024 * 1024, 'p'), Buffer.from('end')]
    for (const [ChecksumAlgorithm, ChecksumType] of [
      ['CRC32', 'FULL_OBJECT'],
      ['CRC64NVME', 'FULL_OBJECT'],
      ['CRC32C', 'COMPOSITE'],
      ['SHA256', 'COMPOSITE'],
    ] as const) {
      const Key = `by-part/${ChecksumAlgorithm}`
      const kind = { ChecksumAlgorithm, ChecksumType }
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...kind }))
      const Parts = []
      for (const [i, Body] of bodies.entries()) {
        const part = { Bucket, Key, UploadId, PartNumber: i + 1 }
        const sent = await client.send(new UploadPartCommand({ ...part, Body, ChecksumAlgorithm }))
        Parts.push({ PartNumber: i + 1, ETag: sent.ETag, [`Checksum${ChecksumAlgorithm}`]: checksumOf(sent) })
      }
      const made = { Bucket, Key, UploadId, ChecksumType }
      await client.send(new CompleteMultipartUploadCommand({ ...made, MultipartUpload: { Parts } }))
      for (const [i, body] of bodies.entries()) {
        const ask = { Bucket, Key, PartNumber: i + 1, ChecksumMode: 'ENABLED' } as const
        const got = await client.send(new GetObjectCommand(ask))
        expect(got).toMatchObject({ PartsCount: 2, ChecksumType })
        expect(checksumOf(got)).toBe(Object.values(Parts[i]!).at(-1))
        // Read to the end, the SDK compares the bytes with the checksum.
        expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true)
      }
      expect((await read(Key)).equals(Buffer.concat(bodies))).toBe(true)
    }
  })

  test('sends SHA-512 and MD5 checksums that were computed beforehand', async () => {
    const digests = { ChecksumSHA512: 'sha512', ChecksumMD5: 'md5' }
    for (const [field, algorithm] of Object.entries(digests)) {
      const valueOf = (text: string) => hash(algorithm, text, 'base64')
      const put = (text: string) =>
        harness.client().send(new PutObjectCommand({ Bucket, Key: field, Body: 'bytes', [field]: valueOf(text) }))
      await expect(put('others')).rejects.toMatchObject({ name: 'BadDigest' })
      await put('bytes')
      const head = await harness.client().send(new HeadObjectCommand({ Bucket, Key: field, ChecksumMode: 'ENABLED' }))
      expect(head).toMatchObject({ [field]: valueOf('bytes'), ChecksumType: 'FULL_OBJECT' })
      expect((await harness.stored(Bucket, field)).toString()).toBe('bytes')
    }
  })

  test('uploads streams with a checksum in the trailer', async () => {
    const client = harness.client()
    client.config.requestStreamBufferSize = 64 * 1024
    for (const [name, bytes] of files) {
      const Key = `stream/${name}`
      // In uneven pieces, as they come from elsewhere.
      const Body = Readable.from(pieces(bytes))
      await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: bytes.length }))
      expect(sha256(await read(Key))).toBe(sha256(bytes))
      expect(sha256(await harness.stored(Bucket, Key))).toBe(sha256(bytes))
    }
  })

  test('a stream with chunks that are too small is rejected, as by AWS', async () => {
    const bytes = files.get('large.bin')!
    const params = { Bucket, Key: 'small-chunks', Body: Readable.from(pieces(bytes)), ContentLength: bytes.length }
    await expect(harness.client().send(new PutObjectCommand(params))).rejects.toMatchObject({
      name: 'InvalidChunkSizeError',
    })
    expect(await harness.storedKeys(Bucket)).not.toContain('small-chunks')
  })

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] satisfies ChecksumAlgorithm[])(
    'lib-storage uploads a stream in parts with %s',
    async (ChecksumAlgorithm) => {
      const bytes = files.get('large.bin')!
      const Key = `upload/${ChecksumAlgorithm}`
      const params = { Bucket, Key, Body: Readable.from(pieces(bytes)), ChecksumAlgorithm, Metadata: { a: 'b c' } }
      const done = await new Upload({
        client: harness.client(),
        params,
        partSize: 5 * 1024 * 1024,
        queueSize: 3,
      }).done()
      expect(done.ETag).toMatch(/^"[0-9a-f]{32}-4"$/)
      expect(sha256(await read(Key))).toBe(sha256(bytes))
      const head = await harness.client().send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
      expect(head[`Checksum${ChecksumAlgorithm}`]).toBe(done[`Checksum${ChecksumAlgorithm}`])
      expect(head).toMatchObject({ ContentLength: bytes.length, Metadata: { a: 'b c' } })
    },
  )

  test('an aborted upload leaves nothing', async () => {
    const params = { Bucket, Key: 'aborted', Body: Readable.from(pieces(files.get('large.bin')!)) }
    const upload = new Upload({ client: harness.client(), params, partSize: 5 * 1024 * 1024 })
    upload.on('httpUploadProgress', () => void upload.abort())
    await expect(upload.done()).rejects.toMatchObject({ name: 'AbortError' })
    expect(await harness.storedKeys(Bucket)).not.toContain('aborted')
  })

  test('its paginators return every key, prefix, part and bucket once', async () => {
    const client = harness.client()
    const names = Array.from({ length: 23 }, (_, i) => `page/${String(i).padStart(2, '0')} +%/x`)
    for (const Key of names) await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
    const keys: string[] = []
    for await (const page of paginateListObjectsV2({ client, pageSize: 5 }, { Bucket, Prefix: 'page/' })) {
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''))
    }
    expect(keys).toEqual(names)
    const prefixes: string[] = []
    const byPrefix = { Bucket, Prefix: 'page/', Delimiter: '/' }
    for await (const page of paginateListObjectsV2({ client, pageSize: 4 }, byPrefix)) {
      prefixes.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix ?? ''))
    }
    expect(prefixes).toEqual(names.map((name) => name.slice(0, -1)))

    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }))
    for (const PartNumber of [1, 2, 5, 9, 10_000]) {
      await client.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber, Body: `${PartNumber}` }))
    }
    const parts: number[] = []
    for await (const page of paginateListParts({ client, pageSize: 2 }, { Bucket, Key: 'parts', UploadId })) {
      parts.push(...(page.Parts ?? []).map(({ PartNumber }) => PartNumber ?? 0))
    }
    expect(parts).toEqual([1, 2, 5, 9, 10_000])

    for (const name of ['sdk-js-a', 'sdk-js-b', 'sdk-js-c']) await harness.bucket(name)
    const buckets: string[] = []
    for await (const page of paginateListBuckets({ client, pageSize: 2 }, { Prefix: 'sdk-js-' })) {
      buckets.push(...(page.Buckets ?? []).map(({ Name }) => Name ?? ''))
    }
    expect(buckets).toEqual(['sdk-js-a', 'sdk-js-b', 'sdk-js-c'])
  })

  test('the conditions of forms from its presigned-post package are enforced', async () => {
    const post = await createPresignedPost(harness.client(), {
      Bucket,
      Key: 'forms/${filename}',
      Fields: { success_action_status: '201', 'x-amz-meta-album': 'a b' },
      Conditions: [
        ['content-length-range', 2, 10],
        ['starts-with', '$key', 'forms/'],
        ['starts-with', '$Content-Type', 'text/'],
      ],
    })
    const submit = async (body: string, type: string): Promise<[number, string]> => {
      const form = new FormData()
      for (const [name, value] of Object.entries({ ...post.fields, 'Content-Type': type })) form.append(name, value)
      form.append('file', new Blob([body]), 'photo é.txt')
      const answer = await fetch(post.url, { method: 'POST', body: form })
      return [answer.status, /<(?:Code|Key)>([^<]*)/.exec(await answer.text())?.[1] ?? '']
    }
    expect(await submit('hello', 'text/plain')).toEqual([201, 'forms/photo é.txt'])
    const head = await harness.client().send(new HeadObjectCommand({ Bucket, Key: 'forms/photo é.txt' }))
    expect(head).toMatchObject({ ContentLength: 5, ContentType: 'text/plain', Metadata: { album: 'a b' } })
    expect(await submit('x', 'text/plain')).toEqual([400, 'EntityTooSmall'])
    expect(await submit('12345678901', 'text/plain')).toEqual([400, 'EntityTooLarge'])
    expect(await submit('hello', 'image/png')).toEqual([403, 'AccessDenied'])
  })

  test('copies, deletes many objects, and its waiters succeed', async () => {
    const client = harness.client()
    const waiting = { client, maxWaitTime: 10 }
    for (const name of files.keys()) {
      const CopySource = encodeURIPath(`${Bucket}/buffer/${name}`)
      await client.send(new CopyObjectCommand({ Bucket, Key: `copy/${name}`, CopySource }))
      await waitUntilObjectExists(waiting, { Bucket, Key: `copy/${name}` })
    }
    const Objects = [...files.keys()].map((name) => ({ Key: `copy/${name}` }))
    const { Deleted, Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(Errors ?? []).toEqual([])
    expect(Deleted?.map(({ Key }) => Key)).toEqual(Objects.map(({ Key }) => Key))
    await waitUntilObjectNotExists(waiting, { Bucket, Key: 'copy/plain.txt' })
  })
})

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7 + 3) % 150_001) {
    yield bytes.subarray(at, at + size)
  }
}
