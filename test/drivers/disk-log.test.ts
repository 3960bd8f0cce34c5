/** The log of the store: its content and order, and the start after the log was cut, torn or changed. */
import { cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import Database from 'better-sqlite3'
import { encodeBatch, align, batchAlignment } from '../../src/drivers/disk/change-log/frame.ts'
import { decodePackHeader, packHeaderSize } from '../../src/drivers/disk/change-log/pack.ts'
import { readLog } from '../../src/drivers/disk/change-log/read-log.ts'
import { framesAfter, FileWindow } from '../../src/drivers/disk/change-log/read-frames.ts'
import { rebuildIndex } from '../../src/drivers/disk/change-log/rebuild-index.ts'
import { fileCalls, type FileCalls } from '../../src/drivers/disk/file-calls.ts'
import { verifyStore } from '../../src/drivers/disk/verify/verify-store.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { bodyOf, codeOf, collect } from '../conformance/driver/suite-tools.ts'
import { blobFiles } from './disk-fixture.ts'
import { put, ref, startDisk } from './start-disk.ts'
import { copyStore, dumpIndex, dumpRebuilt, overwrite, packsOf, removeIndex } from './store-log.ts'

const index = (dir: string): string => join(dir, 'index.sqlite')
const read = async (driver: StorageDriver, key: string): Promise<string> =>
  (await collect((await driver.getObject(ref(key))).stream())).toString()

/** One of everything that the log has a state for. */
async function useEverything(driver: StorageDriver): Promise<void> {
  await put(driver, 'a', 'first')
  await put(driver, 'a', 'second')
  await put(driver, 'gone')
  await driver.copyObject(ref('a'), ref('copy'))
  await driver.deleteObject(ref('gone'))
  await driver.putObjectTags(ref('copy'), { colour: 'green' })
  await driver.setObjectAcl(ref('copy'), 'public-read')
  const acl = { owner: 'bob', grants: [{ to: { owner: 'carol' }, permission: 'READ' as const }] }
  await driver.setObjectAcl(ref('a'), acl)
  await driver.createBucket('another', { owner: 'alice' })
  await driver.createBucket('removed', { owner: 'alice' })
  await driver.deleteBucket('removed')
  await driver.setBucketAcl('another', 'public-read')
  await driver.configureBucket('another', { tags: { colour: 'green' }, ownership: 'BucketOwnerPreferred' })
  const { uploadId } = await driver.createMultipartUpload(ref('parts'))
  const parts = []
  for (const partNumber of [1, 2]) {
    const { etag } = await driver.uploadPart(
      ref('parts'),
      uploadId,
      partNumber,
      bodyOf(Buffer.alloc(5 << 20, partNumber)),
    )
    parts.push({ partNumber, etag })
  }
  await driver.completeMultipartUpload(ref('parts'), uploadId, parts)
  const initiation = { initiator: 'bob', headers: { 'x-amz-acl': 'private' } }
  const open = await driver.createMultipartUpload(ref('unfinished'), { initiation })
  await driver.uploadPart(ref('unfinished'), open.uploadId, 1, bodyOf('part'))
  const aborted = await driver.createMultipartUpload(ref('aborted'))
  await driver.uploadPart(ref('aborted'), aborted.uploadId, 1, bodyOf('part'))
  await driver.abortMultipartUpload(ref('aborted'), aborted.uploadId)
  const { etag } = await driver.headObject(ref('a'))
  await driver.sealObject(ref('a'), { etag, to: 'a' })
}

describe('the log', () => {
  it('rebuilds the index, and keeps deleted objects deleted', async () => {
    const { driver, dir } = await startDisk()
    await useEverything(driver)
    expect(await dumpRebuilt(dir)).toEqual(dumpIndex(index(dir)))
  })

  it('updates an index from any earlier moment', async () => {
    const { driver, dir, again } = await startDisk()
    const earlier: string[] = [copyStore(dir)]
    const step = async (work: () => Promise<unknown>): Promise<void> => {
      await work()
      earlier.push(copyStore(dir))
    }
    await step(() => put(driver, 'a', 'first'))
    await step(() => driver.copyObject(ref('a'), ref('b')))
    await step(() => put(driver, 'a', 'second'))
    await step(() => driver.deleteObject(ref('b')))
    await useEverything(driver)
    await driver.close()
    const now = dumpIndex(index(dir))
    for (const old of earlier) {
      removeIndex(dir)
      for (const end of ['', '-wal', '-shm']) {
        const file = `${index(old)}${end}`
        if (statSync(file, { throwIfNoEntry: false })) writeFileSync(`${index(dir)}${end}`, readFileSync(file))
      }
      const started = await again()
      expect(dumpIndex(index(dir))).toEqual(now)
      expect(await read(started, 'a')).toBe('second')
      await started.close()
    }
  })

  it('applies a prefix of the frames, whatever happened to the last batch', async () => {
    const { driver, dir } = await startDisk()
    await put(driver, 'before')
    const [pack] = packsOf(dir)
    const start = statSync(pack!).size
    await Promise.all(Array.from({ length: 12 }, (_, i) => driver.copyObject(ref('before'), ref(`copy ${i}`))))
    const bytes = readFileSync(pack!)
    const copy = join(copyStore(dir), 'pack')
    const sequences = (): number[] => {
      const { fd, close } = openToRead(copy)
      const salt = decodePackHeader(bytes.subarray(0, packHeaderSize))!.salt
      const end = statSync(copy).size
      const from = { offset: packHeaderSize, sequence: 0, crc: salt }
      const found = [...framesAfter(new FileWindow(fileCalls, fd, end), from, end)].map(({ header }) => header.sequence)
      close()
      return found
    }
    writeFileSync(copy, bytes)
    const all = sequences()
    expect(all.length).toBeGreaterThanOrEqual(15)
    const batch = (bytes.length - start) / 512
    for (let block = 0; block < batch; block++) {
      const at = start + block * 512
      const other = start + ((block + 1) % batch) * 512
      const damages = [
        () => truncateSync(copy, at),
        () => overwrite(copy, at, Buffer.alloc(512)),
        () => overwrite(copy, at + 100, Buffer.from([bytes[at + 100]! ^ 4])),
        () => {
          overwrite(copy, at, bytes.subarray(other, other + 512))
          overwrite(copy, other, bytes.subarray(at, at + 512))
        },
      ]
      for (const damage of damages) {
        writeFileSync(copy, bytes)
        damage()
        const found = sequences()
        expect(found).toEqual(all.slice(0, found.length))
      }
    }
  })

  it('writes every batch to its own blocks', async () => {
    const { driver, dir } = await startDisk()
    for (const key of ['a', 'b', 'c']) {
      const [pack] = packsOf(dir)
      const before = readFileSync(pack!)
      await put(driver, key)
      const after = readFileSync(pack!)
      expect(before.length % batchAlignment).toBe(0)
      expect(after.subarray(0, before.length).equals(before)).toBe(true)
      expect(after.length).toBeGreaterThan(before.length)
    }
  })

  it('starts a new pack when one is full, and replays across packs', async () => {
    const { driver, dir, again } = await startDisk({ packSize: 16 * 1024 })
    const old = copyStore(dir)
    for (let i = 0; i < 20; i++) await put(driver, `key ${i % 7}`, `${i}`)
    await driver.close()
    expect(packsOf(dir).length).toBeGreaterThan(4)
    const now = dumpIndex(index(dir))
    removeIndex(dir)
    writeFileSync(index(dir), readFileSync(index(old)))
    writeFileSync(`${index(dir)}-wal`, readFileSync(`${index(old)}-wal`))
    await again()
    expect(dumpIndex(index(dir))).toEqual(now)
    expect(await dumpRebuilt(dir)).toEqual(now)
  })

  it('loses one frame to bit rot in a closed pack, and reports it', async () => {
    const { driver, dir } = await startDisk({ packSize: 16 * 1024 })
    for (let i = 0; i < 12; i++) await put(driver, `key ${i}`, `${i}`)
    await driver.close()
    const [first] = packsOf(dir)
    const frames: { offset: number; text: string }[] = []
    readLog(dir, (states, { offset }) => frames.push({ offset, text: JSON.stringify(states) }))
    const { offset } = frames.find(({ text }) => text.includes('"key 0"'))!
    overwrite(first!, offset + 70, Buffer.from('?'))
    const { gaps, objects } = await rebuildIndex({ root: dir })
    expect(gaps).toEqual([{ pack: '0000000001.pack', from: expect.any(Number), to: expect.any(Number), lostFrames: 1 }])
    expect(gaps[0]!.from).toBeLessThanOrEqual(offset)
    expect(gaps[0]!.to).toBeGreaterThan(offset)
    expect(objects).toBe(11)
    expect((dumpIndex(index(dir))['objects'] as { key: string }[]).map(({ key }) => key)).not.toContain('key 0')
  })

  it('does not depend on the clock', async () => {
    const clock = { at: Date.parse('2026-05-02T12:00:00Z') }
    const { driver, dir } = await startDisk({ now: () => new Date(clock.at) })
    await put(driver, 'a', 'earlier in the log')
    clock.at -= 86_400_000
    await put(driver, 'a', 'later in the log')
    await driver.deleteObject(ref('a'))
    await put(driver, 'a', 'last')
    expect(await dumpRebuilt(dir)).toEqual(dumpIndex(index(dir)))
  })

  it('pads a batch to whole blocks and starts the next frame where one ends', () => {
    const batch = encodeBatch(
      [Buffer.alloc(100), Buffer.alloc(5000)],
      { offset: packHeaderSize, sequence: 4, crc: 7 },
      0,
    )
    expect(batch.end.sequence).toBe(6)
    expect(batch.bytes.length).toBe(align(64 + 128 + 64 + 5056, batchAlignment))
  })
})

describe('verify', () => {
  const find = async (dir: string, o: { deep?: boolean; repair?: boolean } = {}): Promise<string[]> => {
    const found: string[] = []
    await verifyStore({
      path: dir,
      deep: o.deep ?? false,
      repair: o.repair ?? false,
      grace: 0,
      tempGrace: 0,
      report: { problem: ({ kind }) => void found.push(kind), count() {} },
      signal: new AbortController().signal,
    })
    return found
  }

  it('finds nothing if log and index agree, next to a server that writes', async () => {
    const { driver, dir } = await startDisk({ packSize: 32 * 1024 })
    await useEverything(driver)
    expect(await find(dir, { deep: true })).toEqual([])
  })

  it('finds a changed pack, and an index that differs from the log', async () => {
    const { driver, dir } = await startDisk()
    await useEverything(driver)
    await driver.close()
    const db = new Database(index(dir))
    db.exec("UPDATE objects SET acl = 'public-read-write' WHERE key = 'copy'; DELETE FROM objects WHERE key = 'parts'")
    db.close()
    const differing = (await find(dir, { deep: true })).filter((kind) => kind === 'index-differs')
    expect(differing).toHaveLength(2)
    overwrite(packsOf(dir)[0]!, batchAlignment * 3 + 20, Buffer.from('?'))
    expect(await find(dir)).toContain('log-damaged')
  })

  it('repairs rows through the log', async () => {
    const { driver, dir } = await startDisk()
    await useEverything(driver)
    const db = new Database(index(dir))
    db.exec("UPDATE blobs SET garbage_since = 1 WHERE id IN (SELECT content FROM objects WHERE key = 'copy')")
    db.close()
    expect(await find(dir, { repair: true })).toContain('blob-marked-garbage')
    expect(await find(dir, { deep: true })).toEqual([])
    expect(await dumpRebuilt(dir)).toEqual(dumpIndex(index(dir)))
  })
})

function openToRead(path: string): { fd: number; close: () => void } {
  const fd = fileCalls.openSync(path, 'r')
  return { fd, close: () => fileCalls.closeSync(fd) }
}

const fault = (code: string, syscall: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: injected, ${syscall}`), { code, errno: -5, syscall })

describe('a write', () => {
  it('is written to the log, synced, committed to the index, and then acknowledged', async () => {
    const order: string[] = []
    const store: { dir?: string } = {}
    const { driver, dir } = await startDisk({
      calls: {
        writeSync(...args) {
          order.push('append')
          return fileCalls.writeSync(...args)
        },
        fdatasyncSync(fd) {
          fileCalls.fdatasyncSync(fd)
          order.push('sync')
          if (store.dir === undefined) return
          const db = new Database(index(store.dir), { readonly: true })
          order.push(`${db.prepare('SELECT count(*) FROM objects').pluck().get() as number} objects`)
          db.close()
        },
      },
    })
    order.length = 0
    store.dir = dir
    await put(driver, 'a')
    order.push('answered')
    expect(order).toEqual(['append', 'sync', '0 objects', 'answered'])
  })

  it('that changes nothing is not logged', async () => {
    const { driver, dir } = await startDisk()
    const before = statSync(packsOf(dir)[0]!).size
    await driver.deleteObject(ref('never there'))
    expect(await codeOf(driver.putObjectTags(ref('never there'), {}))).toBe('NotFound')
    expect(statSync(packsOf(dir)[0]!).size).toBe(before)
  })

  it.each([
    ['ENOSPC', 'writeSync'],
    ['EDQUOT', 'writeSync'],
    ['ENOSPC', 'fdatasyncSync'],
  ] as const)(
    'that meets %s in %s answers 507, leaves nothing, and succeeds once there is space',
    async (code, call) => {
      let full = false
      const calls: Partial<FileCalls> = {
        [call]: (...args: never[]) => {
          if (full && call === 'writeSync') throw fault(code, call)
          // The truncation that follows is synced too.
          if (full) {
            full = false
            throw fault(code, call)
          }
          return (fileCalls[call] as (...given: never[]) => unknown)(...args)
        },
      }
      const { driver, dir } = await startDisk({ calls })
      await put(driver, 'before', 'kept')
      const before = dumpIndex(index(dir))
      full = true
      expect(await codeOf(put(driver, 'before', 'refused'))).toBe('InsufficientStorage')
      full = false
      expect(dumpIndex(index(dir))).toEqual(before)
      expect(await dumpRebuilt(dir)).toEqual(before)
      expect(await blobFiles(dir)).toHaveLength(1)
      await put(driver, 'before', 'accepted')
      expect(await read(driver, 'before')).toBe('accepted')
      expect(await dumpRebuilt(dir)).toEqual(dumpIndex(index(dir)))
    },
  )

  it('that was appended in part is removed from the log before it fails', async () => {
    let full = false
    const { driver, dir } = await startDisk({
      calls: {
        writeSync(fd, buffer, offset, length, position) {
          if (!full) return fileCalls.writeSync(fd, buffer, offset, length, position)
          if (offset > 0) throw fault('ENOSPC', 'write')
          return fileCalls.writeSync(fd, buffer, offset, 512, position)
        },
      },
    })
    await put(driver, 'a', 'kept')
    const size = statSync(packsOf(dir)[0]!).size
    full = true
    expect(await codeOf(put(driver, 'a', 'refused'))).toBe('InsufficientStorage')
    expect(statSync(packsOf(dir)[0]!).size).toBe(size)
  })

  it('whose sync fails has an unknown outcome: writes are refused, the blob stays, and the next start has all of it or none', async () => {
    let broken = false
    const { driver, dir, again } = await startDisk({
      calls: {
        fdatasyncSync(fd) {
          if (broken) throw fault('EIO', 'fdatasync')
          fileCalls.fdatasyncSync(fd)
        },
      },
    })
    await put(driver, 'a', 'first')
    broken = true
    expect(await codeOf(put(driver, 'a', 'second'))).toBe('Internal')
    expect(await codeOf(put(driver, 'b'))).toBe('Unavailable')
    expect(await codeOf(driver.checkReady())).toBe('Unavailable')
    expect(await read(driver, 'a')).toBe('first')
    expect(await blobFiles(dir)).toHaveLength(2)
    await driver.close()
    const restarted = await again({ calls: {} })
    expect(['first', 'second']).toContain(await read(restarted, 'a'))
  })

  it('whose index commit fails is applied by the next write', async () => {
    const { driver, dir, again } = await startDisk()
    await put(driver, 'a', 'first')
    const held = copyStore(dir)
    await put(driver, 'a', 'second')
    await put(driver, 'b', 'other')
    await driver.close()
    // The state after a crash between the sync and the commit: the log has frames that the index does not.
    removeIndex(dir)
    writeFileSync(index(dir), readFileSync(index(held)))
    writeFileSync(`${index(dir)}-wal`, readFileSync(`${index(held)}-wal`))
    const later = await again()
    await put(later, 'c', 'after')
    expect([await read(later, 'a'), await read(later, 'b'), await read(later, 'c')]).toEqual([
      'second',
      'other',
      'after',
    ])
    // Never appended to the pack whose end is not known to be synced.
    expect(packsOf(dir)).toHaveLength(2)
    expect(await dumpRebuilt(dir)).toEqual(dumpIndex(index(dir)))
  })
})

describe('a start', () => {
  const refusals: [name: string, damage: (dir: string, old: string) => void, message: RegExp][] = [
    ['an index that is gone', (dir) => removeIndex(dir), /is missing or empty.*postern rebuild-index/s],
    [
      'an index that is empty',
      (dir) => {
        removeIndex(dir)
        writeFileSync(index(dir), '')
      },
      /is missing or empty.*blobs in objects\/.*postern rebuild-index/s,
    ],
    [
      'a log that is gone',
      (dir) => rmSync(join(dir, 'objects/log'), { recursive: true }),
      /objects\/log is missing or empty.*postern rebuild-log/s,
    ],
    [
      'a log from an older copy',
      (dir, old) => {
        rmSync(join(dir, 'objects/log'), { recursive: true })
        copyLog(old, dir)
      },
      /The log is older.*postern rebuild-log/s,
    ],
    [
      'a pack that was changed where the index stands',
      (dir) => {
        const pack = packsOf(dir).at(-1)!
        const size = statSync(pack).size
        overwrite(pack, size - batchAlignment + 10, Buffer.from('?'))
      },
      /another frame is there.*postern rebuild-index/s,
    ],
    [
      'a file that is no pack',
      (dir) => writeFileSync(join(dir, 'objects/log/note.txt'), 'hello'),
      /note\.txt cannot be used/,
    ],
    ['a pack whose header is damaged', (dir) => overwrite(packsOf(dir)[0]!, 20, Buffer.from('?')), /header is damaged/],
  ]

  it.each(refusals)('refuses %s, names the command, and deletes nothing', async (_, damage, message) => {
    const { driver, dir, again } = await startDisk()
    await put(driver, 'a', 'first')
    const old = copyStore(dir)
    await put(driver, 'b', 'second')
    await driver.close()
    damage(dir, old)
    const files = (await blobFiles(dir)).toSorted()
    await expect(again({ sweepOnStart: true, grace: 0 })).rejects.toThrow(message)
    expect((await blobFiles(dir)).toSorted()).toEqual(files)
    expect(files).toHaveLength(2)
  })

  it('refuses a log of another store', async () => {
    const one = await startDisk()
    const other = await startDisk()
    await put(one.driver, 'a')
    await put(other.driver, 'a')
    await one.driver.close()
    await other.driver.close()
    rmSync(join(one.dir, 'objects/log'), { recursive: true })
    copyLog(other.dir, one.dir)
    await expect(one.again()).rejects.toThrow(/belongs to the store [0-9a-f]{32}/)
  })

  it('does not mistake a read error for the end of the log', async () => {
    const { driver, dir, again } = await startDisk()
    await put(driver, 'a')
    const held = copyStore(dir)
    await put(driver, 'b')
    await driver.close()
    removeIndex(dir)
    writeFileSync(index(dir), readFileSync(index(held)))
    writeFileSync(`${index(dir)}-wal`, readFileSync(`${index(held)}-wal`))
    let reads = 0
    const calls: Partial<FileCalls> = {
      readSync(...args) {
        // The header of the pack is read first; the frames behind the position of the index after it.
        if (args[4] > packHeaderSize && ++reads > 1) throw fault('EIO', 'read')
        return fileCalls.readSync(...args)
      },
    }
    expect(await codeOf(again({ calls }))).toBe('Unavailable')
    const restarted = await again({ calls: {} })
    expect(await read(restarted, 'b')).toBe('data')
  })
})

function copyLog(from: string, to: string): void {
  cpSync(join(from, 'objects/log'), join(to, 'objects/log'), { recursive: true })
}
