/** The quota of an owner of access keys, compared with stored bytes and bytes in flight. */
import { PassThrough } from 'node:stream'
import { expect, describe, it, onTestFinished } from 'vitest'
import type { DiskDriverOptions } from '../../src/drivers/disk/disk-driver.ts'
import type { ObjectRef, OwnerLimits, StorageDriver } from '../../src/drivers/driver.ts'
import { bodyOf, bytesOf, codeOf, partSize } from '../conformance/driver/suite-tools.ts'
import { pairOfPeers } from '../workers/pair.ts'
import { blobFiles, diskFixture, tempFiles, type DiskFixture } from './disk-fixture.ts'

const ref = (key: string, bucket = 'alice-1'): ObjectRef => ({ bucket, key })

async function start(limits: Partial<OwnerLimits>, o: Partial<DiskDriverOptions> = {}): Promise<DiskFixture> {
  const store = await diskFixture({ fsync: 'none', ownerLimits: { bytes: null, objects: null, ...limits }, ...o })
  onTestFinished(() => store.close())
  for (const owner of ['alice', 'bob']) await store.driver.createBucket(`${owner}-1`, { owner })
  return store
}

const put = (driver: StorageDriver, key: string, size: number, bucket?: string) =>
  driver.putObject(ref(key, bucket), bodyOf(Buffer.alloc(size)), { contentLength: size })
/** A write whose body is sent by the test. */
function begin(driver: StorageDriver, key: string, size: number) {
  const body = new PassThrough()
  const code = codeOf(driver.putObject(ref(key), body, { contentLength: size }))
  return { code, send: () => (body.end(Buffer.alloc(size)), code) }
}
const stored = async (driver: StorageDriver, owner = 'alice') => {
  const { bytes, objects, partBytes, uploads } = (await driver.usageOfOwners!()).find((one) => one.owner === owner)!
  return { bytes: bytes + partBytes, objects: objects + uploads }
}

describe('bytes', () => {
  it("are refused over the owner's quota for all buckets together", async () => {
    const { driver, dir } = await start({ bytes: 1000 })
    await driver.createBucket('alice-2', { owner: 'alice' })
    await put(driver, 'a', 600)
    await put(driver, 'b', 400, 'alice-2')
    await expect(put(driver, 'c', 1)).rejects.toMatchObject({
      code: 'QuotaExceeded',
      message:
        'The quota of alice is 1000 bytes: 1000 bytes are stored, and this write needs 1 byte more. Delete objects or ' +
        'abort unfinished uploads, or have the operator raise quotas.ownerBytes.',
      details: { Owner: 'alice', StoredBytes: 1000, InFlightBytes: 0, WantedBytes: 1, MaxBytes: 1000 },
    })
    expect(await tempFiles(dir)).toEqual([])
    await put(driver, 'empty', 0)
    await put(driver, 'of bob', 1000, 'bob-1')
    await put(driver, 'of the gateway', 5000, 'postern')
    await driver.deleteObject(ref('a'))
    await put(driver, 'c', 600)
    expect(await stored(driver)).toEqual({ bytes: 1000, objects: 3 })
  })

  it('of an overwritten object are available for its replacement', async () => {
    const { driver } = await start({ bytes: 1000 })
    await put(driver, 'a', 1000)
    await put(driver, 'a', 1000)
    await put(driver, 'a', 900)
    expect(await codeOf(put(driver, 'a', 1001))).toBe('QuotaExceeded')
    expect(await stored(driver)).toEqual({ bytes: 900, objects: 1 })
  })

  it('of an overwritten object are deleted at once', async () => {
    const { driver, dir } = await start({ bytes: 1000 }, { grace: 3600 })
    for (let i = 0; i < 5; i++) await put(driver, 'a', 1000)
    expect(await blobFiles(dir)).toHaveLength(1)
  })

  it('of running writes count until they fail or are stored', async () => {
    const { driver } = await start({ bytes: 1000 })
    const one = begin(driver, 'one', 600)
    const two = begin(driver, 'two', 400)
    await expect.poll(() => driver.isBeingWritten(ref('two'))).toBe(true)
    await expect(put(driver, 'three', 1)).rejects.toThrow('0 bytes are stored, 1000 bytes are being written')
    expect(await one.send()).toBe('ok')
    expect(await codeOf(put(driver, 'three', 1))).toBe('QuotaExceeded')
    const broken = new PassThrough()
    const failed = codeOf(driver.putObject(ref('four'), broken, { contentLength: 0 }))
    broken.end('x')
    expect(await failed).toBe('IncompleteBody')
    expect(await two.send()).toBe('ok')
    await driver.deleteObject(ref('one'))
    await put(driver, 'three', 600)
  })

  it('are credited to one of several writes that replace the same object', async () => {
    const { driver } = await start({ bytes: 1000 })
    await put(driver, 'a', 600)
    const one = begin(driver, 'a', 600)
    await expect.poll(() => driver.isBeingWritten(ref('a'))).toBe(true)
    expect(await codeOf(put(driver, 'a', 600))).toBe('QuotaExceeded')
    await put(driver, 'a', 400)
    expect(await one.send()).toBe('ok')
    expect(await stored(driver)).toEqual({ bytes: 600, objects: 1 })
  })

  it('of a body without a length count as they arrive', async () => {
    const { driver, dir } = await start({ bytes: 200_000 })
    const form = (size: number) => driver.putObject(ref('form'), bodyOf(Buffer.alloc(size)))
    expect(await codeOf(form(200_001))).toBe('QuotaExceeded')
    expect(await tempFiles(dir)).toEqual([])
    await form(200_000)
    await form(200_000)
    expect(await stored(driver)).toEqual({ bytes: 200_000, objects: 1 })
  })

  it('never exceed the quota under parallel writes, however they end', async () => {
    const { driver } = await start({ bytes: 10_000, objects: 7 })
    const codes = await Promise.all(
      Array.from({ length: 60 }, (_, i) => codeOf(put(driver, `key-${i % 20}`, 1000 + (i % 7) * 100))),
    )
    expect(new Set(codes)).toEqual(new Set(['ok', 'QuotaExceeded']))
    const after = await stored(driver)
    expect(after.bytes).toBeLessThanOrEqual(10_000)
    expect(after.objects).toBeLessThanOrEqual(7)
    const left = 10_000 - after.bytes
    if (after.objects < 7) await put(driver, 'exactly', left)
    for (let i = 0; i < 20; i++) await driver.deleteObject(ref(`key-${i}`))
    await driver.deleteObject(ref('exactly'))
    await put(driver, 'all', 10_000)
  })

  it('of copies count in full', async () => {
    const { driver } = await start({ bytes: 1000 })
    await put(driver, 'a', 400)
    await put(driver, 'foreign', 700, 'bob-1')
    await driver.copyObject(ref('a'), ref('b'))
    expect(await codeOf(driver.copyObject(ref('a'), ref('c')))).toBe('QuotaExceeded')
    expect(await codeOf(driver.copyObject(ref('foreign', 'bob-1'), ref('b')))).toBe('QuotaExceeded')
    await driver.copyObject(ref('a'), ref('b'), { metadataDirective: 'REPLACE', contentType: 'text/plain' })
    const running = begin(driver, 'd', 200)
    await expect.poll(() => driver.isBeingWritten(ref('d'))).toBe(true)
    await driver.deleteObject(ref('b'))
    expect(await codeOf(driver.copyObject(ref('foreign', 'bob-1'), ref('b')))).toBe('QuotaExceeded')
    expect(await running.send()).toBe('ok')
  })

  it('that were stored before the quota was lowered stay, and may only decrease', async () => {
    const before = await start({ bytes: null })
    await put(before.driver, 'a', 900)
    await put(before.driver, 'b', 900)
    await before.driver.close()
    const driver = await before.again({ ownerLimits: { bytes: 1000, objects: 1 } })
    expect(await codeOf(put(driver, 'c', 1))).toBe('QuotaExceeded')
    expect(await codeOf(put(driver, 'a', 901))).toBe('QuotaExceeded')
    await put(driver, 'a', 800)
    await driver.deleteObject(ref('b'))
    await put(driver, 'a', 1000)
  })
})

describe('objects', () => {
  it('are refused over the quota, overwriting and deleting are not', async () => {
    const { driver } = await start({ objects: 2 })
    await put(driver, 'a', 0)
    await put(driver, 'b', 0)
    await expect(put(driver, 'c', 0)).rejects.toMatchObject({
      code: 'QuotaExceeded',
      message: expect.stringContaining(
        'The quota of alice is 2 objects: 2 objects are stored, and this write needs 1 object more.',
      ),
    })
    await put(driver, 'b', 5)
    await put(driver, 'of bob', 0, 'bob-1')
    await driver.deleteObjects('alice-1', ['a', 'b'])
    const writes = [begin(driver, 'c', 1), begin(driver, 'd', 1)]
    await expect.poll(() => driver.isBeingWritten(ref('d'))).toBe(true)
    expect(await codeOf(put(driver, 'e', 1))).toBe('QuotaExceeded')
    await put(driver, 'c', 3)
    for (const write of writes) expect(await write.send()).toBe('ok')
    expect(await stored(driver)).toEqual({ bytes: 2, objects: 2 })
  })
})

describe('a multipart upload', () => {
  it('counts with its parts, and can always be completed', async () => {
    const { driver } = await start({ bytes: partSize + 100, objects: 2 })
    await put(driver, 'other', 40)
    const { uploadId } = await driver.createMultipartUpload(ref('large'))
    expect(await codeOf(driver.createMultipartUpload(ref('more')))).toBe('QuotaExceeded')
    expect(await codeOf(put(driver, 'more', 0))).toBe('QuotaExceeded')
    const send = (number: number, size: number) =>
      driver.uploadPart(ref('large'), uploadId, number, bodyOf(bytesOf(size)), { contentLength: size })
    const first = await send(1, partSize)
    expect(await codeOf(send(2, 61))).toBe('QuotaExceeded')
    await send(2, 60)
    const second = await send(2, 60)
    expect(await codeOf(put(driver, 'other', 41))).toBe('QuotaExceeded')
    const parts = [first, second].map(({ etag }, i) => ({ partNumber: i + 1, etag }))
    await driver.completeMultipartUpload(ref('large'), uploadId, parts)
    expect(await stored(driver)).toEqual({ bytes: partSize + 100, objects: 2 })
    await driver.completeMultipartUpload(ref('large'), uploadId, parts)
    await driver.deleteObject(ref('large'))
    await put(driver, 'other', partSize + 100)
  })

  it('frees its share when it is aborted', async () => {
    const { driver } = await start({ bytes: 100, objects: 1 })
    const { uploadId } = await driver.createMultipartUpload(ref('large'))
    await driver.uploadPart(ref('large'), uploadId, 1, bodyOf(bytesOf(100)), { contentLength: 100 })
    await driver.abortMultipartUpload(ref('large'), uploadId)
    await put(driver, 'other', 100)
    expect(await stored(driver)).toEqual({ bytes: 100, objects: 1 })
  })

  it('counts parts that are copied by the length of their range', async () => {
    const { driver } = await start({ bytes: 1000 })
    await put(driver, 'source', 2000, 'postern')
    const { uploadId } = await driver.createMultipartUpload(ref('large'))
    const copy = (range?: { start: number; end: number }) =>
      driver.uploadPartCopy(ref('large'), uploadId, 1, ref('source', 'postern'), range && { range })
    expect(await codeOf(copy())).toBe('QuotaExceeded')
    expect(await codeOf(copy({ start: 0, end: 1000 }))).toBe('QuotaExceeded')
    await copy({ start: 500, end: 1499 })
    expect(await stored(driver)).toEqual({ bytes: 1000, objects: 1 })
  })
})

describe('with another process', () => {
  it('counts its bytes in flight, and not the bytes that it has just stored', async () => {
    const [mine, other] = pairOfPeers()
    const store = await start({ bytes: 1000 }, { peers: mine })
    const second = await store.again({ peers: other })
    const running = begin(second, 'there', 600)
    await expect.poll(() => second.isBeingWritten(ref('there'))).toBe(true)
    expect(await codeOf(put(store.driver, 'here', 500))).toBe('QuotaExceeded')
    await put(store.driver, 'here', 400)
    expect(await running.send()).toBe('ok')
    expect(await codeOf(put(second, 'there', 601))).toBe('QuotaExceeded')
    await put(second, 'there', 600)
    expect(await stored(store.driver)).toEqual({ bytes: 1000, objects: 2 })
  })

  it('asks for current bytes in flight before it refuses because of older counts', async () => {
    const [mine, other] = pairOfPeers()
    const heard = new Map([['quota.bytes', 900]])
    const late = { ...mine, counts: (name: string) => ({ get: () => heard.get(name) ?? 0, add() {} }) }
    const store = await start({ bytes: 1000 }, { peers: late })
    await store.again({ peers: other })
    await put(store.driver, 'a', 1000)
    heard.set('quota.slots', 1)
    await put(store.driver, 'a', 1000)
    expect(await stored(store.driver)).toEqual({ bytes: 1000, objects: 1 })
  })
})

describe('delete markers', () => {
  it('of keys without any version are refused over the quota, and other deletes never are', async () => {
    const { driver } = await start({ objects: 2 })
    await driver.configureBucket('alice-1', { versioning: 'Enabled' })
    await put(driver, 'a', 1)
    await driver.deleteObject(ref('absent'))
    expect(await codeOf(driver.deleteObject(ref('absent too')))).toBe('QuotaExceeded')
    expect(await stored(driver)).toEqual({ bytes: 1, objects: 2 })
    expect(await driver.deleteObject(ref('a'))).toMatchObject({ deleteMarker: true })
    expect(await driver.deleteObject(ref('absent'))).toMatchObject({ deleteMarker: true })
    expect(await stored(driver)).toEqual({ bytes: 1, objects: 4 })
  })
})
