/**
 * Confirmed objects are immutable on a real store: versions, copies, copies in parts, prefix, bodies without length.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ObjectRef, PutOptions } from '../../src/drivers/driver.ts'
import { createS3Driver } from '../../src/drivers/s3/s3-driver.ts'
import { startDriver } from '../fixtures/s3-store.ts'
import { driver, store, useTestBucket } from './on-store.ts'

const MiB = 1024 * 1024
useTestBucket()

const fresh = (folder = 'uploads'): ObjectRef => ({ bucket: store.bucket, key: `${folder}/${randomUUID()}.bin` })
const body = (data: Buffer) => Readable.from([data], { objectMode: false })
const put = (ref: ObjectRef, data: Buffer | string, o: PutOptions = {}) =>
  driver.putObject(ref, body(Buffer.from(data)), { contentLength: Buffer.byteLength(data), ...o })
const read = async (ref: ObjectRef, versionId?: string) =>
  Buffer.concat(await (await driver.getObject(ref, versionId === undefined ? {} : { versionId })).stream().toArray())

describe('in a bucket without versions', () => {
  it('the sealed object is a copy that no active URL can write to', async () => {
    const ref = fresh()
    const upload = await driver.presignUpload(ref, { expiresIn: 60, contentType: 'text/plain' })
    await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: 'confirmed' })
    const { etag } = await driver.headObject(ref)
    const to = fresh('files').key
    const sealed = await driver.sealObject(ref, { etag, to })
    expect(sealed).toEqual({ ref: { bucket: store.bucket, key: to }, etag })
    await expect(driver.headObject(ref)).rejects.toMatchObject({ code: 'NotFound' })

    expect((await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: 'replaced!' })).status).toBe(200)
    expect((await read(sealed.ref)).toString()).toBe('confirmed')
    expect((await driver.headObject(sealed.ref)).contentType).toBe('text/plain')
  })

  it('keeps the source on request', async () => {
    const ref = fresh()
    const { etag } = await put(ref, 'public')
    await driver.sealObject(ref, { etag, to: fresh('files').key, keepSource: true })
    expect((await read(ref)).toString()).toBe('public')
  })

  it('never seals other bytes than the verified ones during a race', async () => {
    const outcomes: unknown[] = []
    for (let round = 0; round < 12; round++) {
      const ref = fresh()
      const { etag } = await put(ref, 'verified')
      const to = { bucket: store.bucket, key: fresh('files').key }
      const [sealed] = await Promise.allSettled([
        driver.sealObject(ref, { etag, to: to.key }),
        put(ref, 'swapped in between'),
      ])
      outcomes.push(sealed.status === 'fulfilled' ? (await read(to)).toString() : sealed.reason.code)
    }
    expect(outcomes.filter((outcome) => outcome !== 'verified' && outcome !== 'PreconditionFailed')).toEqual([])
  })

  it('is refused for a replaced object, and leaves no copy', async () => {
    const ref = fresh()
    const { etag } = await put(ref, 'verified')
    await put(ref, 'replaced')
    const to = fresh('files').key
    await expect(driver.sealObject(ref, { etag, to })).rejects.toMatchObject({ code: 'PreconditionFailed' })
    await expect(driver.headObject({ bucket: store.bucket, key: to })).rejects.toMatchObject({ code: 'NotFound' })
  })
})

describe('an object too large for one copy', () => {
  it('is copied in parts, with headers and tags, and a change of the source is detected', async () => {
    const small = await createS3Driver({ ...store.options(), copySizes: { atOnce: 8 * MiB, part: 5 * MiB } })
    const ref = fresh()
    const data = randomBytes(13 * MiB)
    const { etag } = await put(ref, data, { contentType: 'video/mp4', metadata: { a: '1' }, tags: { t: 'v w' } })
    const to = fresh('files').key
    const sealed = await small.sealObject(ref, { etag, to })
    expect(sealed.etag).toMatch(/-3$/)
    expect((await read(sealed.ref)).equals(data)).toBe(true)
    expect(await driver.headObject(sealed.ref)).toMatchObject({
      contentType: 'video/mp4',
      metadata: { a: '1' },
      contentLength: 13 * MiB,
    })
    expect(await driver.getObjectTags(sealed.ref)).toEqual({ t: 'v w' })
    await expect(driver.headObject(ref)).rejects.toMatchObject({ code: 'NotFound' })
    await small.close()
  })
})

describe('a body without a length', () => {
  it('becomes a multipart upload and reads back as one object', async () => {
    const ref = fresh()
    const data = randomBytes(20 * MiB + 3)
    const chunks = Array.from({ length: Math.ceil(data.length / 70_001) }, (_, i) =>
      data.subarray(i * 70_001, (i + 1) * 70_001),
    )
    const written = await driver.putObject(ref, Readable.from(chunks, { objectMode: false }), {
      contentType: 'a/b',
      tags: { t: 'v' },
    })
    expect(written).toMatchObject({ contentLength: data.length, etag: expect.stringMatching(/-3$/) })
    expect((await read(ref)).equals(data)).toBe(true)
    expect((await driver.headObject(ref)).contentType).toBe('a/b')
    expect(await driver.getObjectTags(ref)).toEqual({ t: 'v' })
  })

  it('that fails leaves neither object nor upload', async () => {
    const ref = fresh()
    const failing = Readable.from(
      (async function* () {
        for (let i = 0; i < 20; i++) yield randomBytes(MiB)
        throw new RangeError('bad chunk')
      })(),
      { objectMode: false },
    )
    await expect(driver.putObject(ref, failing)).rejects.toThrow('bad chunk')
    await expect(driver.headObject(ref)).rejects.toMatchObject({ code: 'NotFound' })
    const { uploads } = await driver.listMultipartUploads({ bucket: store.bucket, prefix: ref.key })
    expect(uploads).toEqual([])
  })
})

describe('a prefix', () => {
  it('is part of every key in the bucket, and of nothing else', async () => {
    const app = await startDriver(store, { prefix: 'app one/' })
    const ref = { bucket: store.bucket, key: `p/${randomUUID()}` }
    const inBucket = { bucket: store.bucket, key: `app one/${ref.key}` }
    const { etag } = await app.putObject(ref, body(Buffer.from('text')), { contentLength: 4 })
    expect((await driver.headObject(inBucket)).etag).toBe(etag)

    const to = `files/${randomUUID()}`
    const sealed = await app.sealObject(ref, { etag, to })
    expect(sealed.ref.key).toBe(to)
    const page = await app.listObjects({ bucket: store.bucket, prefix: 'files/', delimiter: '/' })
    expect(page.objects.map(({ key }) => key)).toEqual([to])
    expect((await app.listObjects({ bucket: store.bucket, delimiter: '/' })).commonPrefixes).toEqual(['files/'])

    const { uploadId } = await app.createMultipartUpload(ref)
    expect((await app.listMultipartUploads({ bucket: store.bucket })).uploads).toMatchObject([
      { key: ref.key, uploadId },
    ])
    await app.abortMultipartUpload(ref, uploadId)
    expect(await app.deleteObjects(store.bucket, [to])).toEqual([{ key: to }])
    expect((await app.listObjects({ bucket: store.bucket })).objects).toEqual([])
    await app.close()
  })
})

/** Last: a bucket does not lose its versions again. */
describe('in a bucket with versions', () => {
  beforeAll(() =>
    store.s3.putBucketVersioning({ Bucket: store.bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  )

  it('the sealed object is a version at the same key', async () => {
    const ref = fresh()
    const upload = await driver.presignUpload(ref, { expiresIn: 60 })
    await fetch(upload.url, { method: 'PUT', body: 'confirmed' })
    const { etag, versionId } = await driver.headObject(ref)
    const sealed = await driver.sealObject(ref, { etag, to: fresh('files').key })
    expect(sealed).toEqual({ ref, versionId, etag })
    expect(versionId).toEqual(expect.any(String))

    await fetch(upload.url, { method: 'PUT', body: 'replaced!' })
    expect((await read(ref, versionId)).toString()).toBe('confirmed')
    const download = await driver.presignDownload(ref, { expiresIn: 60, versionId: versionId! })
    expect(await (await fetch(download.url)).text()).toBe('confirmed')
    expect((await fetch(download.url.replace(/versionId=[^&]+/, 'versionId=null'))).status).toBe(403)

    // The version that was verified can still be sealed by name, the one on top of it under that ETag cannot.
    expect(await driver.sealObject(ref, { etag, versionId: versionId!, to: fresh('files').key })).toEqual(sealed)
    await expect(driver.sealObject(ref, { etag, to: fresh('files').key })).rejects.toMatchObject({
      code: 'PreconditionFailed',
    })
    await driver.deleteObject(ref, { versionId: versionId! })
    await expect(driver.headObject(ref, { versionId: versionId! })).rejects.toMatchObject({ code: 'NotFound' })
  })
})

it('checkReady accepts an existing bucket, and rejects a missing one', async () => {
  await driver.checkReady()
  const missing = await startDriver(store, { bucket: `absent-${randomUUID()}` })
  await expect(missing.checkReady()).rejects.toMatchObject({
    code: 'Unavailable',
    message: expect.stringContaining('There is no bucket'),
  })
  const refused = await startDriver(store, { secretAccessKey: 'not the secret of this key, surely not' })
  await expect(refused.checkReady()).rejects.toMatchObject({ code: 'Unavailable' })
  await Promise.all([missing.close(), refused.close()])
})
