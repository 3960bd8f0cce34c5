/** The quota of an owner of access keys over HTTP, in a gateway with users of the JSON API. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createPostForm } from '../../src/sigv4/post-form.ts'
import { presign } from '../../src/sigv4/presign.ts'
import { as, store } from '../api/caller.ts'
import { startGateway, type Overrides, type RunningGateway } from '../fixtures/gateway.ts'
import { connect, rawHead } from '../fixtures/raw-http.ts'
import { element } from './endpoint.ts'
import { failing } from './sdk.ts'

const credentials = { accessKeyId: 'ALICETESTTESTTESTTE1', secretAccessKey: 'alice-secret-0123456789abcdef0123456789' }
const Bucket = 'alice-1'
const partSize = 5 * 1024 ** 2
const refused = failing('QuotaExceeded', 403)

type Harness = { gateway: RunningGateway; client: S3Client; put(Key: string, size: number): Promise<unknown> }

async function start(quotas: Overrides): Promise<Harness> {
  const gateway = await startGateway({ quotas, keys: [{ ...credentials, owner: 'alice' }] })
  const client = new S3Client({
    endpoint: gateway.objectsUrl,
    region: 'us-east-1',
    forcePathStyle: true,
    // The SDK marks the object that it is given.
    credentials: { ...credentials },
    maxAttempts: 1,
  })
  onTestFinished(async () => {
    client.destroy()
    await gateway.close()
  })
  await client.send(new CreateBucketCommand({ Bucket }))
  return {
    gateway,
    client,
    put: (Key, size) => client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(size) })),
  }
}

describe('the quota of an owner', () => {
  it('limits every operation that stores bytes, and says what to do', async () => {
    const { client, put } = await start({ ownerBytes: 2 * partSize })
    await put('a', partSize)
    await expect(put('b', partSize + 1)).rejects.toMatchObject({
      ...refused,
      message:
        'The quota of alice is 10 MiB: 5 MiB are stored, and this write needs 5 MiB more. Delete objects or abort ' +
        'unfinished uploads, or have the operator raise quotas.ownerBytes.',
      Owner: 'alice',
      StoredBytes: String(partSize),
      WantedBytes: String(partSize + 1),
      MaxBytes: String(2 * partSize),
    })
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'large' }))
    const part = { Bucket, Key: 'large', UploadId, PartNumber: 1 }
    await expect(
      client.send(new UploadPartCommand({ ...part, Body: Buffer.alloc(partSize + 1) })),
    ).rejects.toMatchObject(refused)
    const { CopyPartResult } = await client.send(new UploadPartCopyCommand({ ...part, CopySource: `${Bucket}/a` }))
    const more = { ...part, PartNumber: 2, CopySource: `${Bucket}/a` }
    await expect(client.send(new UploadPartCopyCommand(more))).rejects.toMatchObject(refused)
    await expect(
      client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/a` })),
    ).rejects.toMatchObject(refused)
    const Parts = [{ PartNumber: 1, ETag: CopyPartResult!.ETag }]
    await client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key: 'large', UploadId, MultipartUpload: { Parts } }),
    )
    await put('a', partSize)
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'large' }))
    await put('b', partSize)
  })

  it('counts objects, and unfinished uploads as objects', async () => {
    const { client, put } = await start({ ownerObjects: 2 })
    await put('a', 1)
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'large' }))
    await expect(put('b', 1)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('quotas.ownerObjects'),
    })
    await expect(client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'b' }))).rejects.toMatchObject(refused)
    await put('a', 2)
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'large', UploadId }))
    await put('b', 1)
  })

  it('defaults to the users’ quota, and null is no limit', async () => {
    const asUsers = await start({ userBytes: 10, userFiles: 2 })
    await expect(asUsers.put('a', 11)).rejects.toMatchObject(refused)
    await asUsers.put('a', 5)
    await asUsers.put('b', 5)
    await expect(asUsers.put('c', 0)).rejects.toMatchObject(refused)
    const none = await start({ userBytes: 10, userFiles: 1, ownerBytes: null, ownerObjects: 2 })
    await none.put('a', 11)
    await none.put('b', 11)
    await expect(none.put('c', 0)).rejects.toMatchObject(refused)
  })

  it('is separate from that of a user of the same name', async () => {
    const { gateway, put } = await start({ userBytes: 10 })
    await put('a', 10)
    const alice = await as(gateway, 'alice')
    await store(alice, 'ten bytes!')
    expect((await alice.get('/files/usage')).json).toMatchObject({ bytes: 10 })
    await put('a', 10)
  })

  it('applies to forms, whose size is not known in advance', async () => {
    const { gateway, put } = await start({ ownerBytes: 300_000 })
    const form = async (size: number) => {
      const { fields, url } = createPostForm({
        endpoint: gateway.objectsUrl,
        bucket: Bucket,
        key: 'form',
        pathStyle: true,
        credentials,
        region: 'us-east-1',
        expiresIn: 600,
        now: new Date(),
      })
      const body = new FormData()
      for (const [name, value] of Object.entries(fields)) body.append(name, value)
      body.append('file', new Blob([Buffer.alloc(size)]))
      const answer = await fetch(url, { method: 'POST', body })
      return [answer.status, /<Code>(\w+)/.exec(await answer.text())?.[1]]
    }
    expect(await form(300_001)).toEqual([403, 'QuotaExceeded'])
    expect(await form(300_000)).toEqual([204, undefined])
    await expect(put('b', 1)).rejects.toMatchObject(refused)
    expect(await form(300_000)).toEqual([204, undefined])
  })

  it('counts bytes in flight, and refuses a write before its body is sent', async () => {
    const { gateway, put } = await start({ ownerBytes: 1000 })
    const begin = async (key: string, size: number) => {
      const { url } = presign({
        method: 'PUT',
        endpoint: gateway.objectsUrl,
        bucket: Bucket,
        key,
        pathStyle: true,
        query: {},
        headers: {},
        credentials,
        region: 'us-east-1',
        expiresIn: 600,
        now: new Date(),
      })
      const connection = await connect(gateway.objectsUrl)
      onTestFinished(() => connection.close())
      const head = { 'content-length': String(size), expect: '100-continue' }
      await connection.send(rawHead(gateway.objectsUrl, 'PUT', url.slice(gateway.objectsUrl.length), head))
      return connection
    }
    const first = await begin('a', 700)
    const ref = { bucket: Bucket, key: 'a' }
    await expect.poll(() => gateway.gateway.driver.isBeingWritten(ref)).toBe(true)
    const answer = await (await begin('b', 400)).answer()
    expect([answer.status, element(answer, 'Code'), element(answer, 'InFlightBytes')]).toEqual([
      403,
      'QuotaExceeded',
      '700',
    ])
    await expect(put('b', 301)).rejects.toMatchObject(refused)
    await put('b', 300)
    first.close()
    await expect.poll(() => gateway.gateway.driver.isBeingWritten(ref)).toBe(false)
    await put('a', 700)
  })

  it('is never exceeded by concurrent writes', async () => {
    const { gateway, put } = await start({ ownerBytes: 1_000_000 })
    const codes = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        put(`key-${i}`, 99_999).then(
          () => 'ok',
          (error: Error) => error.name,
        ),
      ),
    )
    expect(codes.filter((code) => code === 'ok')).toHaveLength(10)
    expect(codes.filter((code) => code === 'QuotaExceeded')).toHaveLength(30)
    const usage = await gateway.gateway.driver.usageOfOwners!()
    expect(usage.find(({ owner }) => owner === 'alice')).toMatchObject({ objects: 10, bytes: 999_990 })
  })

  it('is shown to the operator with the usage', async () => {
    const { gateway, client, put } = await start({ ownerBytes: 10 ** 6 })
    await put('a', 100)
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'large' }))
    await client.send(new UploadPartCommand({ Bucket, Key: 'large', UploadId, PartNumber: 1, Body: 'parts' }))
    const figures = await (await fetch(`${gateway.apiUrl}/metrics`)).text()
    expect(figures).toContain('postern_owner_bytes{owner="alice"} 105\n')
    expect(figures).toContain('postern_owner_objects{owner="alice"} 2\n')
    expect(figures).not.toContain('owner="postern"')
  })
})
