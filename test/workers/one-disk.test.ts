/** Two drivers on one folder, as in two workers: neither deletes or expires what the other reads or writes. */
import { PassThrough } from 'node:stream'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { createLease } from '../../src/service/maintenance/lease.ts'
import { createCollector } from '../../src/service/maintenance/collector.ts'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import { bytesOf, collect, MiB } from '../conformance/driver/suite-tools.ts'
import { bodyOf } from '../conformance/driver/body.ts'
import { blobFiles, diskFixture, tempFiles, type DiskFixture } from '../drivers/disk-fixture.ts'
import { put, ref } from '../drivers/start-disk.ts'
import { createHarness, text, type Harness } from '../service/harness.ts'
import { pairOfPeers } from './pair.ts'
import { createStores } from '../../src/service/stores/stores.ts'

let disk: DiskFixture
let first: StorageDriver
let second: StorageDriver
beforeEach(async () => {
  const [peers, others] = pairOfPeers()
  disk = await diskFixture({ peers, grace: 0 })
  first = disk.driver
  second = await disk.again({ peers: others })
})
afterEach(() => disk.close())

/** A body of which the first bytes have come. */
async function arriving(driver: StorageDriver, key: string): Promise<{ body: PassThrough; written: Promise<unknown> }> {
  const body = new PassThrough()
  const written = driver.putObject(ref(key), body, {})
  body.write(bytesOf(MiB))
  while (!driver.isBeingWritten(ref(key))) await sleep(1)
  return { body, written }
}

describe('two drivers on one folder', () => {
  it('know of each other’s writes', async () => {
    const { body, written } = await arriving(second, 'a')
    expect(await first.isBeingWritten(ref('a'))).toBe(true)
    expect(await first.isBeingWritten(ref('b'))).toBe(false)
    body.end()
    await written
    expect(await first.isBeingWritten(ref('a'))).toBe(false)
  })

  it('let each other finish reading a deleted object', async () => {
    const parts = [bytesOf(5 * MiB), bytesOf(5 * MiB), bytesOf(MiB)]
    const { uploadId } = await first.createMultipartUpload(ref('big'))
    const listed = await Promise.all(
      parts.map(async (part, i) => {
        const { etag } = await first.uploadPart(ref('big'), uploadId, i + 1, bodyOf(part), {
          contentLength: part.length,
        })
        return { partNumber: i + 1, etag }
      }),
    )
    await first.completeMultipartUpload(ref('big'), uploadId, listed)
    const stream = (await second.getObject(ref('big'))).stream()
    await once(stream, 'readable')
    await first.deleteObject(ref('big'))
    expect(await first.sweep()).toEqual({ removed: 0 })
    expect(Buffer.compare(await collect(stream), Buffer.concat(parts))).toBe(0)
    expect(await first.sweep()).toEqual({ removed: 3 })
    expect(await blobFiles(disk.dir)).toEqual([])
  })

  it('leave temporary files of running uploads alone when one of them restarts', async () => {
    const { body, written } = await arriving(first, 'a')
    await disk.again({ sweepOnStart: 'shared' })
    expect(await tempFiles(disk.dir)).toHaveLength(1)
    body.end()
    await expect(written).resolves.toMatchObject({ contentLength: MiB })
  })

  it('create a key once under concurrent requests to both', async () => {
    const attempts = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 ? first : second).putObject(ref('once'), bodyOf(`from ${i}`), { ifNoneMatch: '*' }),
      ),
    )
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('wait for each other’s writes without blocking the event loop', async () => {
    const other = new Database(join(disk.dir, 'index.sqlite'))
    other.exec('begin immediate')
    const written = put(first, 'a')
    // If the loop stood still, this would come after the write has given up.
    await sleep(400)
    other.exec('rollback')
    other.close()
    await expect(written).resolves.toMatchObject({ contentLength: 4 })
  })

  it('both refuse writes after a sync of one has failed', async () => {
    const [peers, others] = pairOfPeers()
    const fsync = async (): Promise<void> => {
      throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', errno: -5, syscall: 'fsync' })
    }
    const broken = await disk.again({ peers, calls: { fsync } })
    const whole = await disk.again({ peers: others })
    await put(whole, 'before')
    await expect(put(broken, 'a')).rejects.toMatchObject({ code: 'Internal' })
    await expect(put(whole, 'b')).rejects.toMatchObject({ code: 'Unavailable' })
  })
})

describe('several collectors', () => {
  let harness: Harness
  beforeEach(async () => {
    harness = await createHarness()
  })
  afterEach(() => harness.close())

  it('spare an upload that another process receives', async () => {
    const { id, ref: target } = await harness.begin()
    harness.pass(2 * 86_400)
    const driver: StorageDriver = {
      ...harness.deps.stores.current,
      isBeingWritten: async ({ key }) => key === target.key,
    }
    expect(await collectExpired({ ...harness.deps, stores: createStores(driver) })).toMatchObject({ expired: 0 })
    await harness.put(target, text)
    expect((await harness.find(id))?.file.status).toBe('pending')
    expect(await collectExpired(harness.deps)).toMatchObject({ expired: 1 })
  })

  it('take turns: one collects until it stops, then another does', async () => {
    const counted = (of: string, seen: string[]) => ({
      ...harness.deps,
      catalog: {
        ...harness.deps.catalog,
        overdueUploads: async () => {
          seen.push(of)
          return []
        },
      },
    })
    const seen: string[] = []
    const collectors = ['a', 'b', 'c'].map((of) => createCollector(counted(of, seen), { interval: 0.02 }))
    for (const collector of collectors) collector.start()
    while (seen.length < 5) await sleep(5)
    expect(new Set(seen).size).toBe(1)
    const leader = ['a', 'b', 'c'].indexOf(seen[0]!)
    await collectors[leader]!.stop()
    const before = seen.length
    while (seen.length < before + 3) await sleep(5)
    expect(new Set(seen.slice(before)).size).toBe(1)
    expect(seen.at(-1)).not.toBe(seen[0])
    await Promise.all(collectors.map((collector) => collector.stop()))
  })

  it('take over an expired lease of one that crashed', async () => {
    const [dead, next] = [0, 1].map(() => createLease(harness.deps, 'work', { lasts: 60 }))
    expect(await dead!.take()).toBe(true)
    harness.pass(59)
    expect(await next!.run(async () => 'done')).toBeNull()
    harness.pass(2)
    expect(await next!.run(async () => 'done')).toBe('done')
    expect(await dead!.take()).toBe(false)
  })
})
