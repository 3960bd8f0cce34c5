import { readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { bodyOf, bytesOf, collect, codeOf } from '../conformance/driver/suite-tools.ts'
import { blobFiles, tempFiles } from './disk-fixture.ts'
import { put, ref, startDisk } from './start-disk.ts'

describe('garbage', () => {
  it('of a replaced object is deleted at once, of a deleted object after its grace period', async () => {
    const clock = { now: Date.parse('2026-01-01T00:00:00Z') }
    const { driver, dir } = await startDisk({ now: () => new Date(clock.now) })
    await put(driver, 'a', 'first')
    await put(driver, 'a', 'second')
    expect(await blobFiles(dir)).toHaveLength(1)
    await put(driver, 'b')
    await driver.deleteObject(ref('b'))
    clock.now += 59_000
    expect(await driver.sweep()).toEqual({ removed: 0 })
    expect(await blobFiles(dir)).toHaveLength(2)
    clock.now += 1_000
    expect(await driver.sweep()).toEqual({ removed: 1 })
    const [left, ...others] = await blobFiles(dir)
    expect(others).toEqual([])
    expect(await readFile(left!, 'utf8')).toBe('second')
  })

  it('is deleted with the last object that shares it', async () => {
    const { driver, dir } = await startDisk({ grace: 0 })
    await put(driver, 'a')
    await driver.copyObject(ref('a'), ref('b'))
    await driver.copyObject(ref('b'), ref('c'))
    expect(await blobFiles(dir)).toHaveLength(1)
    await driver.deleteObjects('postern', ['a', 'b'])
    expect(await driver.sweep()).toEqual({ removed: 0 })
    expect(await blobFiles(dir)).toHaveLength(1)
    await put(driver, 'c', 'replaced')
    expect(await blobFiles(dir)).toHaveLength(1)
  })

  it('stays while a download reads it', async () => {
    const { driver, dir } = await startDisk({ grace: 0 })
    const data = bytesOf(3 << 20)
    await put(driver, 'a', data)
    const object = await driver.getObject(ref('a'))
    await driver.deleteObject(ref('a'))
    expect(await driver.sweep()).toEqual({ removed: 0 })
    expect((await collect(object.stream())).equals(data)).toBe(true)
    expect(await driver.sweep()).toEqual({ removed: 1 })
    expect(await blobFiles(dir)).toEqual([])
  })

  it('of multipart uploads: replaced, unlisted and aborted parts', async () => {
    const { driver, dir } = await startDisk({ grace: 0 })
    const part = (uploadId: string, number: number, text: string) =>
      driver.uploadPart(ref('m'), uploadId, number, bodyOf(text), { contentLength: text.length })
    const first = await driver.createMultipartUpload(ref('m'))
    await part(first.uploadId, 1, 'replaced')
    const kept = await part(first.uploadId, 1, 'kept')
    await part(first.uploadId, 2, 'unlisted')
    const second = await driver.createMultipartUpload(ref('m'))
    await part(second.uploadId, 1, 'aborted')
    expect(await blobFiles(dir)).toHaveLength(3)
    await driver.abortMultipartUpload(ref('m'), second.uploadId)
    await driver.completeMultipartUpload(ref('m'), first.uploadId, [{ partNumber: 1, etag: kept.etag }])
    expect(await driver.sweep()).toEqual({ removed: 2 })
    expect(await blobFiles(dir)).toHaveLength(1)
    await driver.deleteObject(ref('m'))
    expect(await driver.sweep()).toEqual({ removed: 1 })
  })
})

describe('leftovers of a crash', () => {
  it('are deleted: blobs without a row and temporary files, but no foreign files', async () => {
    const { driver, dir, again } = await startDisk({ grace: 0 })
    await put(driver, 'a')
    const [blob] = await blobFiles(dir)
    const orphan = join(dirname(blob!), `${basename(blob!).slice(0, 4)}${'0'.repeat(28)}`)
    await writeFile(orphan, 'orphan')
    await writeFile(join(dirname(blob!), 'README'), 'somebody else’s')
    await writeFile(join(dir, 'tmp', 'f'.repeat(32)), 'half')
    const restarted = await again({ sweepOnStart: true })
    expect(await tempFiles(dir)).toEqual([])
    await restarted.sweep()
    expect((await blobFiles(dir)).map((path) => basename(path)).toSorted()).toEqual(
      [basename(blob!), 'README'].toSorted(),
    )
  })

  it('stay within the grace period', async () => {
    const { driver, dir } = await startDisk()
    await put(driver, 'a')
    const [blob] = await blobFiles(dir)
    await writeFile(join(dirname(blob!), '0'.repeat(32)), 'maybe about to be committed')
    expect(await driver.sweep()).toEqual({ removed: 0 })
  })

  it('in tmp are deleted only after a day without a change, because another process may be writing', async () => {
    const { driver, dir, again } = await startDisk()
    await writeFile(join(dir, 'tmp', 'a'.repeat(32)), 'x')
    await driver.sweep()
    expect(await tempFiles(dir)).toHaveLength(1)
    const impatient = await again({ abandonedAfter: 0.05 })
    await setTimeout(100)
    expect(await impatient.sweep()).toEqual({ removed: 1 })
    expect(await tempFiles(dir)).toEqual([])
  })
})

describe('a running write', () => {
  it('is never swept', async () => {
    const { driver, dir } = await startDisk({ grace: 0, abandonedAfter: 0 })
    const body = new PassThrough()
    const data = bytesOf(2 << 20)
    const writing = driver.putObject(ref('slow'), body, { contentLength: data.length })
    body.write(data.subarray(0, data.length - 1))
    while ((await tempFiles(dir)).length === 0) await setTimeout(5)
    expect(await driver.sweep()).toEqual({ removed: 0 })
    body.end(data.subarray(data.length - 1))
    await writing
    expect(await driver.sweep()).toEqual({ removed: 0 })
    expect((await collect((await driver.getObject(ref('slow'))).stream())).equals(data)).toBe(true)
  })

  it('is not disturbed by a second driver over the same folder', async () => {
    const { driver, dir, again } = await startDisk({ grace: 0 })
    const body = new PassThrough()
    const writing = driver.putObject(ref('slow'), body, { contentLength: 2 << 20 })
    body.write(bytesOf((2 << 20) - 1))
    while ((await tempFiles(dir)).length === 0) await setTimeout(5)
    const other = await again()
    await other.sweep()
    await other.close()
    body.end('x')
    expect((await writing).contentLength).toBe(2 << 20)
  })

  it('ends with the driver, and leaves nothing', async () => {
    const { driver, dir } = await startDisk()
    const body = new PassThrough()
    const writing = driver.putObject(ref('slow'), body, { contentLength: 2 << 20 })
    body.write(bytesOf(1 << 20))
    await setTimeout(20)
    const [outcome] = await Promise.all([codeOf(writing), driver.close()])
    expect(outcome).toBe('Unavailable')
    await driver.close()
    expect(await tempFiles(dir)).toEqual([])
    expect(await codeOf(driver.headObject(ref('slow')))).toBe('Unavailable')
  })
})
