/** Security cases 78 and 118: planted links and FIFOs, flipped bits, missing and short blobs. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, open, rename, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import { bodyOf, bytesOf, collect, codeOf } from '../conformance/driver/suite-tools.ts'
import { blobFiles, diskFixture, diskOptions, type DiskFixture } from './disk-fixture.ts'

const ref = { bucket: 'postern', key: 'object' }
const size = 1 << 20
const data = bytesOf(size)

let fixture: DiskFixture
let blob: string
beforeEach(async () => {
  fixture = await diskFixture()
  await fixture.driver.putObject(ref, bodyOf(data), { contentLength: size })
  blob = (await blobFiles(fixture.dir))[0]!
})
afterEach(() => fixture.close())

const readAll = async (): Promise<Buffer> => collect((await fixture.driver.getObject(ref)).stream())

async function flipBit(at: number): Promise<void> {
  const file = await open(blob, 'r+')
  await file.write(Buffer.from([data[at]! ^ 1]), 0, 1, at)
  await file.close()
}

describe('a flipped bit', () => {
  it('stops a download before any byte of its block is sent', async () => {
    await flipBit(700_000)
    const out = new PassThrough()
    const received: Buffer[] = []
    out.on('data', (chunk: Buffer) => received.push(chunk))
    const object = await fixture.driver.getObject(ref)
    expect(await codeOf(object.sendTo(out))).toBe('Corrupt')
    const sent = Buffer.concat(received)
    expect(sent.length).toBeLessThanOrEqual(512 * 1024)
    expect(sent.equals(data.subarray(0, sent.length))).toBe(true)
    expect(await codeOf(readAll())).toBe('Corrupt')
  })

  it('fails before a small response starts, and affects no other range', async () => {
    await flipBit(700_000)
    expect(await codeOf(fixture.driver.getObject(ref, { range: { start: 699_999, end: 700_100 } }))).toBe('Corrupt')
    const intact = await fixture.driver.getObject(ref, { range: { start: 0, end: 99 } })
    expect((await collect(intact.stream())).equals(data.subarray(0, 100))).toBe(true)
  })
})

describe('a blob that is', () => {
  it('missing is Corrupt', async () => {
    await unlink(blob)
    expect(await codeOf(readAll())).toBe('Corrupt')
  })

  it('short is Corrupt', async () => {
    await truncate(blob, 0)
    expect(await codeOf(readAll())).toBe('Corrupt')
  })
})

describe.skipIf(process.platform === 'win32')('a planted', () => {
  it('link to other bytes is not followed', async () => {
    const secret = join(fixture.dir, 'secret')
    await rename(blob, secret)
    await symlink(secret, blob)
    expect(await codeOf(readAll())).toBe('Corrupt')
  })

  it('FIFO is neither followed nor waited for', async () => {
    await unlink(blob)
    execFileSync('mkfifo', [blob])
    expect(await codeOf(readAll())).toBe('Corrupt')
  })

  it('link in place of a folder fails the start', async () => {
    const [dir, elsewhere] = [await mkdtemp(join(tmpdir(), 'postern-a-')), await mkdtemp(join(tmpdir(), 'postern-b-'))]
    await symlink(elsewhere, join(dir, 'objects'))
    expect(await codeOf(createDiskDriver(diskOptions(dir)))).toBe('Unavailable')
    await rm(dir, { recursive: true })
    await rm(elsewhere, { recursive: true })
  })

  it('link among the temporary files is deleted, its target is not', async () => {
    const target = join(fixture.dir, 'kept')
    await writeFile(target, 'kept')
    await symlink(target, join(fixture.dir, 'tmp', 'a'.repeat(32)))
    const again = await fixture.again({ sweepOnStart: true })
    await again.sweep()
    const file = await open(target)
    expect((await file.readFile()).toString()).toBe('kept')
    await file.close()
  })
})
