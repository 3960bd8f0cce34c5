/** The log under kills and compaction, and in random games against a model of the stored objects. */
import { spawn } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openOffline, type Offline } from '../../src/drivers/disk/change-log/offline.ts'
import { rebuildLog } from '../../src/drivers/disk/change-log/rebuild-log.ts'
import { LogUpkeep } from '../../src/drivers/disk/change-log/upkeep.ts'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import { fileCalls, type FileCalls } from '../../src/drivers/disk/file-calls.ts'
import { placeHold } from '../../src/drivers/disk/holds.ts'
import { silent } from '../../src/drivers/disk/log.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { collect } from '../conformance/driver/suite-tools.ts'
import { diskOptions } from './disk-fixture.ts'
import { put, ref, startDisk } from './start-disk.ts'
import { copyStore, dumpIndex, dumpRebuilt, packsOf, removeIndex } from './store-log.ts'

const index = (dir: string): string => join(dir, 'index.sqlite')
const read = async (driver: StorageDriver, key: string): Promise<string> =>
  (await collect((await driver.getObject(ref(key))).stream())).toString()

async function race(
  dir: string,
  round: number,
  dieAt: number,
): Promise<{ won: Map<string, string>; lost: Set<string> }> {
  const won = new Map<string, string>()
  const lost = new Set<string>()
  await Promise.all(
    ['one', 'two'].map(async (name, i) => {
      const script = join(import.meta.dirname, 'log-writer.ts')
      const args = [script, dir, name, String(i === 0 ? dieAt : 0), String(round)]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      const closed = new Promise((resolve) => child.once('close', resolve))
      for await (const line of createInterface({ input: child.stdout })) {
        const [what, key] = line.split(' ') as [string, string]
        if (what === 'won') won.set(key, won.has(key) ? 'two winners' : `by ${name}`)
        if (what === 'lost') lost.add(key)
      }
      await closed
    }),
  )
  return { won, lost }
}

describe('a process that is killed between the sync of the log and the commit of the index', () => {
  it('leaves one winner for each key, and keeps acknowledged writes', async () => {
    const { driver, dir, again } = await startDisk()
    await driver.close()
    for (const [round, dieAt] of [5, 11, 17].entries()) {
      const { won, lost } = await race(dir, round, dieAt)
      const after = await again()
      for (const [key, bytes] of won) expect(await read(after, key)).toBe(bytes)
      for (const key of lost) expect(await read(after, key)).toMatch(/^by (one|two)$/)
      expect(won.size + lost.size).toBeGreaterThan(40)
      await after.close()
      expect(await dumpRebuilt(dir)).toEqual(dumpIndex(index(dir)))
    }
  }, 60_000)
})

/** Runs `work` until the call number `n` of the log ends it, as a kill would: nothing is undone. */
async function cutAt(
  n: number,
  root: string,
  work: (offline: Offline, calls: FileCalls) => Promise<unknown>,
): Promise<boolean> {
  let made = 0
  const killed = new Error('killed')
  const guarded = (name: keyof FileCalls) =>
    ((...args: never[]) => {
      if (made >= n) throw killed
      made++
      return (fileCalls[name] as (...given: never[]) => unknown)(...args)
    }) as never
  const changing = ['writeSync', 'fdatasyncSync', 'fsyncSync', 'renameSync', 'unlinkSync', 'ftruncateSync'] as const
  const calls = { ...fileCalls, ...Object.fromEntries(changing.map((name) => [name, guarded(name)])) } as FileCalls
  let offline: Offline | undefined
  try {
    offline = await openOffline({ root, index: index(root), calls })
    await work(offline, calls)
    return false
  } catch (error) {
    if (made < n) throw error
    return true
  } finally {
    offline?.log.close()
    offline?.db.close()
  }
}

async function storeToCompact(): Promise<{ dir: string; dump: unknown }> {
  const { driver, dir } = await startDisk({ packSize: 16 * 1024 })
  for (let i = 0; i < 30; i++) await put(driver, `key ${i % 9}`, `${i}`)
  await driver.copyObject(ref('key 1'), ref('copy'))
  await driver.deleteObject(ref('key 1'))
  await driver.close()
  return { dir, dump: dumpIndex(index(dir)) }
}

/**
 * What a start makes of the store with the index of before, as after a power cut. Once packs are deleted the index was
 * synced and cannot fall back.
 */
async function fallenBack(dir: string, before: string): Promise<unknown> {
  const isDeleting = packsOf(dir).length < 2 || !packsOf(dir)[0]!.endsWith('0000000001.pack')
  const old = copyStore(dir)
  if (!isDeleting) {
    removeIndex(old)
    cpSync(index(before), index(old))
  }
  const started = await createDiskDriver(diskOptions(old))
  await started.close()
  return dumpIndex(index(old))
}

const compaction = async ({ db, queue }: Offline, root: string, calls: FileCalls): Promise<void> => {
  queue.catchUp()
  await new LogUpkeep({ root, db, queue, calls, log: silent }).compact()
}

describe('compaction', () => {
  it('leaves packs from which everything can be rebuilt, and deletes the earlier ones', async () => {
    const { dir, dump } = await storeToCompact()
    const before = packsOf(dir)
    const offline = await openOffline({ root: dir, index: index(dir) })
    await compaction(offline, dir, fileCalls)
    offline.close()
    expect(before.length).toBeGreaterThan(5)
    expect(packsOf(dir)).not.toContain(before[0])
    expect(packsOf(dir).length).toBeLessThan(4)
    expect(dumpIndex(index(dir))).toEqual(dump)
    expect(await dumpRebuilt(dir)).toEqual(dump)
  })

  it('killed at any step loses nothing, also with the earlier index, and can be run again', async () => {
    const { dir, dump } = await storeToCompact()
    for (let n = 0; ; n++) {
      const copy = copyStore(dir)
      const cut = await cutAt(n, copy, (offline, calls) => compaction(offline, copy, calls))
      expect(await dumpRebuilt(copy)).toEqual(dump)
      expect(await fallenBack(copy, dir)).toEqual(dump)
      const again = await openOffline({ root: copy, index: index(copy) })
      await compaction(again, copy, fileCalls)
      again.close()
      expect(dumpIndex(index(copy))).toEqual(dump)
      expect(await dumpRebuilt(copy)).toEqual(dump)
      rmSync(copy, { recursive: true })
      if (!cut) break
    }
  }, 120_000)

  it('keeps the packs while a backup runs, and while Windows reports that one is open', async () => {
    const { dir } = await storeToCompact()
    const before = packsOf(dir)
    const hold = await placeHold(dir)
    const run = async (calls: FileCalls = fileCalls): Promise<void> => {
      const offline = await openOffline({ root: dir, index: index(dir) })
      await compaction(offline, dir, calls)
      offline.close()
    }
    await run()
    expect(packsOf(dir)).toEqual(expect.arrayContaining(before))
    await hold.release()
    const busy = (): never => {
      throw Object.assign(new Error('EBUSY'), { code: 'EBUSY' })
    }
    await run({ ...fileCalls, unlinkSync: busy })
    expect(packsOf(dir)).toEqual(expect.arrayContaining(before))
    await run()
    expect(packsOf(dir)).not.toContain(before[0])
  })
})

describe('rebuild-log', () => {
  it('killed at any step leaves a complete log or one that the start refuses, and can be run again', async () => {
    const { dir, dump } = await storeToCompact()
    for (let n = 0; ; n++) {
      const copy = copyStore(dir)
      rmSync(join(copy, 'objects/log'), { recursive: true })
      let made = 0
      const stop = (name: 'writeSync' | 'fdatasyncSync' | 'renameSync') =>
        ((...args: never[]) => {
          if (made++ >= n) throw new Error('killed')
          return (fileCalls[name] as (...given: never[]) => unknown)(...args)
        }) as never
      const calls = {
        ...fileCalls,
        writeSync: stop('writeSync'),
        fdatasyncSync: stop('fdatasyncSync'),
        renameSync: stop('renameSync'),
      }
      const ended = await rebuildLog({ root: copy, calls }).then(
        () => true,
        () => false,
      )
      await rebuildLog({ root: copy })
      expect(dumpIndex(index(copy))).toEqual(dump)
      expect(await dumpRebuilt(copy)).toEqual(dump)
      rmSync(copy, { recursive: true })
      if (ended) break
    }
  }, 120_000)
})

/** A small generator of its own, so that a game can be played again by its seed. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return Math.floor(state / 65_536) % below
  }
}

type Sabotage = 'none' | 'no sync' | 'no removals'

/**
 * Plays a game: writes, copies, deletions, compaction, and power cuts in which what was not synced is lost. Returns how the
 * store differs from what was answered; null where it does not.
 */
async function play(seed: number, sabotage: Sabotage): Promise<string | null> {
  const next = random(seed)
  const dir = await mkdtemp(join(tmpdir(), 'postern-game-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const synced = new Map<string, number>()
  const paths = new Map<number, string>()
  const calls: Partial<FileCalls> = {
    openSync(path, flags, mode) {
      const fd = fileCalls.openSync(path, flags, mode)
      paths.set(fd, path)
      return fd
    },
    fdatasyncSync(fd) {
      if (sabotage !== 'no sync') synced.set(paths.get(fd)!, fileCalls.fstatSync(fd).size)
    },
    fsyncSync: () => {},
    writeSync(fd, buffer, offset, length, position) {
      // A removal is left out of the log: its bytes are written as the name of another key.
      if (sabotage === 'no removals' && Buffer.from(buffer).includes('"row":null')) return length
      return fileCalls.writeSync(fd, buffer, offset, length, position)
    },
  }
  const options = diskOptions(dir, { packSize: 24 * 1024, calls })
  let driver = await createDiskDriver(options)
  const model = new Map<string, string>()
  let old: { file: string; wal: string } | null = null
  const keep = (): void => {
    old = { file: `${dir}.index`, wal: `${dir}.wal` }
    cpSync(index(dir), old.file)
    cpSync(`${index(dir)}-wal`, old.wal)
  }
  const differs = async (): Promise<string | null> => {
    const listed = (await driver.listObjects({ bucket: 'postern' })).objects.map(({ key }) => key)
    if (JSON.stringify(listed.toSorted()) !== JSON.stringify([...model.keys()].toSorted()))
      return `keys ${listed.join()}`
    for (const [key, bytes] of model) if ((await read(driver, key)) !== bytes) return `bytes of ${key}`
    return null
  }
  try {
    for (let step = 0; step < 40; step++) {
      const act = next(20)
      const key = `k${next(4)}`
      const other = `k${next(4)}`
      if (act < 8) {
        await put(driver, key, `${seed} ${step}`)
        model.set(key, `${seed} ${step}`)
      } else if (act < 12) {
        await driver.deleteObject(ref(key))
        model.delete(key)
      } else if (act < 14 && model.has(key)) {
        await driver.putObjectTags(ref(key), { step: String(step) })
      } else if (act < 15 && model.has(other) && other !== key) {
        await driver.copyObject(ref(other), ref(key))
        model.set(key, model.get(other)!)
      } else if (act < 16) {
        keep()
      } else if (act < 18) {
        await driver.close()
        const offline = await openOffline({ root: dir, index: index(dir), calls: fileCalls })
        await compaction(offline, dir, fileCalls)
        offline.close()
        for (const pack of packsOf(dir)) synced.set(pack, statSync(pack).size)
        old = null
        driver = await createDiskDriver(options)
      } else if (act >= 18) {
        // A power cut: packs end where they were synced, and the index falls back to an earlier commit.
        const crashed = await powerCut(dir, driver, synced, old)
        if (crashed !== null) return crashed
        driver = await createDiskDriver(options)
        old = null
      }
      const found = await differs()
      if (found !== null) return `${found} at step ${step}`
    }
    return null
  } catch (error) {
    return String(error)
  } finally {
    await driver.close().catch(() => {})
  }
}

async function powerCut(
  dir: string,
  driver: StorageDriver,
  synced: ReadonlyMap<string, number>,
  old: { file: string; wal: string } | null,
): Promise<string | null> {
  await driver.close()
  for (const pack of packsOf(dir)) {
    const size = statSync(pack).size
    const end = synced.get(pack) ?? 4096
    if (end < size) truncateSync(pack, end)
    // What was being written when the power went.
    writeFileSync(pack, Buffer.concat([readFileSync(pack), Buffer.alloc(300, 7)]))
  }
  if (old !== null) {
    removeIndex(dir)
    cpSync(old.file, index(dir))
    cpSync(old.wal, `${index(dir)}-wal`)
  }
  return readdirSync(dir).includes('index.sqlite') ? null : 'the index is gone'
}

describe('random games', () => {
  it('end with all acknowledged writes', async () => {
    for (let seed = 1; seed <= 12; seed++)
      expect({ seed, differs: await play(seed, 'none') }).toEqual({ seed, differs: null })
  }, 120_000)

  it.each(['no sync', 'no removals'] as const)(
    'find the mistake: %s',
    async (sabotage) => {
      const found: string[] = []
      for (let seed = 1; seed <= 12 && found.length === 0; seed++) {
        const differs = await play(seed, sabotage)
        if (differs !== null) found.push(differs)
      }
      expect(found).toHaveLength(1)
    },
    120_000,
  )
})
