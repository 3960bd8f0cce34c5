/** Blobs without a row in the index are never deleted directly. */
import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { rebuildLog } from '../../src/drivers/disk/change-log/rebuild-log.ts'
import { fileCalls } from '../../src/drivers/disk/file-calls.ts'
import { setAsideOrphans, putBackSets, quarantinedSets } from '../../src/drivers/disk/set-aside.ts'
import type { Problem } from '../../src/drivers/verify-problems.ts'
import { verifyStore, type VerifyStoreOptions } from '../../src/drivers/disk/verify/verify-store.ts'
import { bytesOf, collect } from '../conformance/driver/suite-tools.ts'
import { blobFilesOf, blobsOf, flipBit, inIndex } from '../fixtures/damage.ts'
import { blobFiles, tempFiles } from './disk-fixture.ts'
import { put, ref, startDisk } from './start-disk.ts'

const day = 86_400_000
const { signal } = new AbortController()

async function leaveOrphans(dir: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => `abcd${randomBytes(14).toString('hex')}`)
  await mkdir(join(dir, 'objects', 'ab', 'cd'), { recursive: true })
  for (const id of ids) await writeFile(join(dir, 'objects', 'ab', 'cd', id), `bytes of ${id}`)
  return ids
}

const blobNames = async (dir: string): Promise<string[]> =>
  (await blobFiles(dir)).map((path) => basename(path)).toSorted()

async function quarantined(dir: string): Promise<string[]> {
  const sets = (await readdir(join(dir, 'quarantine')).catch(() => [])).filter((name) => name.startsWith('orphans-'))
  const names = await Promise.all(sets.map((set) => readdir(join(dir, 'quarantine', set))))
  return names.flat().filter((name) => name !== 'manifest.jsonl')
}

function capture() {
  const lines: { level: string; facts: object; message: string }[] = []
  const note = (level: string) => (facts: object, message: string) => void lines.push({ level, facts, message })
  return { lines, log: { info: note('info'), warn: note('warn'), error: note('error') } }
}

async function verify(path: string, o: Partial<VerifyStoreOptions> = {}): Promise<Problem[]> {
  const problems: Problem[] = []
  const report = { problem: (found: Problem) => void problems.push(found), count: () => {} }
  await verifyStore({ path, deep: false, repair: true, grace: 0, tempGrace: 0, signal, report, ...o })
  return problems
}

describe('the sweep', () => {
  it('moves orphans to quarantine with a manifest, and deletes them after keepOrphans', async () => {
    const clock = { now: Date.now() }
    const { driver, dir } = await startDisk({ grace: 0, keepOrphans: 7 * 86_400, now: () => new Date(clock.now) })
    await put(driver, 'kept')
    const kept = await blobNames(dir)
    const [id] = (await leaveOrphans(dir, 1)) as [string]
    expect(await driver.sweep()).toEqual({ removed: 1 })
    expect(await blobNames(dir)).toEqual(kept)
    const [set, ...others] = await quarantinedSets(dir)
    expect(others).toEqual([])
    expect(set).toMatchObject({ blobs: 1, bytes: `bytes of ${id}`.length })
    const folder = join(dir, 'quarantine', set!.name)
    expect(await readFile(join(folder, id), 'utf8')).toBe(`bytes of ${id}`)
    const manifest = (await readFile(join(folder, 'manifest.jsonl'), 'utf8')).trim().split('\n')
    expect(manifest.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ blob: id, size: `bytes of ${id}`.length, by: 'serve' }),
    ])
    expect((await stat(folder)).mode & (process.platform === 'win32' ? 0 : 0o077)).toBe(0)
    clock.now += 7 * day - 60_000
    await driver.sweep()
    expect(await quarantined(dir)).toEqual([id])
    clock.now += 2 * 60_000
    await driver.sweep()
    expect(await readdir(join(dir, 'quarantine'))).toEqual([])
    expect(await blobNames(dir)).toEqual(kept)
  })

  it('leaves everything if more than 100 blobs and 1 % are orphans, and logs what to do', async () => {
    const { lines, log } = capture()
    const { driver, dir } = await startDisk({ grace: 0, log })
    await put(driver, 'kept')
    const ids = await leaveOrphans(dir, 101)
    expect(await driver.sweep()).toEqual({ removed: 0 })
    expect(await quarantined(dir)).toEqual([])
    expect(await blobNames(dir)).toHaveLength(102)
    const line = lines.find(({ level }) => level === 'error')
    expect(line?.facts).toEqual({ blobs: 102, orphans: 101, limit: 100 })
    expect(line?.message).toContain('postern gc --orphans --yes-delete 101')
    await rm(join(dir, 'objects', 'ab', 'cd', ids[0]!))
    expect(await driver.sweep()).toEqual({ removed: 100 })
    expect(await quarantined(dir)).toHaveLength(100)
  })

  it('moves blobs back once the index has their rows again, and never deletes these', async () => {
    const clock = { now: Date.now() }
    const { driver, dir } = await startDisk({ grace: 0, now: () => new Date(clock.now) })
    const data = bytesOf(200_000)
    await put(driver, 'a', data)
    const [id] = blobsOf(dir, 'a') as [string]
    const row = inIndex(dir, (db) => db.prepare('SELECT * FROM blobs WHERE id = ?').get(id))
    inIndex(dir, (db) => db.prepare('DELETE FROM blobs WHERE id = ?').run(id))
    await driver.sweep()
    expect(await quarantined(dir)).toEqual([id])
    inIndex(dir, (db) => db.prepare('INSERT INTO blobs VALUES (@id, @size, @sums, @garbage_since)').run(row as object))
    clock.now += 30 * day
    await driver.sweep()
    expect(await quarantined(dir)).toEqual([])
    expect((await collect((await driver.getObject(ref('a'))).stream())).equals(data)).toBe(true)
  })

  it('does not move packs of the log, or files that are not blobs', async () => {
    const { driver, dir } = await startDisk({ grace: 0 })
    await mkdir(join(dir, 'objects', 'log'), { recursive: true })
    const pack = join(dir, 'objects', 'log', '1.pack')
    await writeFile(pack, 'frames')
    await driver.sweep()
    expect(await readFile(pack, 'utf8')).toBe('frames')
  })

  it('deletes nothing while the clock is not steady, and continues afterwards', async () => {
    const clock = { isSteady: false }
    const { driver, dir } = await startDisk({ grace: 0, abandonedAfter: 0, mayDelete: () => clock.isSteady })
    await put(driver, 'a')
    await driver.deleteObject(ref('a'))
    await writeFile(join(dir, 'tmp', 'f'.repeat(32)), 'half')
    expect(await driver.sweep()).toEqual({ removed: 0 })
    expect(await blobNames(dir)).toHaveLength(1)
    expect(await tempFiles(dir)).toHaveLength(1)
    clock.isSteady = true
    expect(await driver.sweep()).toEqual({ removed: 2 })
    expect(await blobNames(dir)).toEqual([])
  })

  it('loses no blob, whichever of its system calls fails', async () => {
    const state = { failing: Infinity, calls: 0 }
    const calls = Object.fromEntries(
      Object.entries(fileCalls).map(([name, call]) => [
        name,
        (...args: never[]) => {
          if (++state.calls === state.failing) {
            const error = Object.assign(new Error('EIO'), { code: 'EIO', errno: -5, syscall: name })
            if (name.endsWith('Sync')) throw error
            return Promise.reject(error)
          }
          return (call as (...given: never[]) => unknown)(...args)
        },
      ]),
    ) as unknown as typeof fileCalls
    const { driver, dir } = await startDisk({ grace: 0, calls })
    await put(driver, 'kept', 'kept')
    const ids = await leaveOrphans(dir, 2)
    const place = { root: dir, calls: fileCalls }
    for (let n = 1; ; n++) {
      Object.assign(state, { calls: 0, failing: n })
      const failed = await driver.sweep().then(
        () => false,
        () => true,
      )
      state.failing = Infinity
      expect([...(await blobNames(dir)), ...(await quarantined(dir))].toSorted()).toEqual(
        [...ids, ...blobsOf(dir, 'kept')].toSorted(),
      )
      expect((await collect((await driver.getObject(ref('kept'))).stream())).toString()).toBe('kept')
      if (!failed && state.calls < n) break
      await putBackSets(place.root, [])
    }
    expect(await quarantined(dir)).toHaveLength(2)
  })
})

describe('gc', () => {
  it('moves more than the limit only with the exact number, and the set can be restored', async () => {
    const { driver, dir } = await startDisk()
    await put(driver, 'kept')
    const ids = await leaveOrphans(dir, 150)
    const before = await blobNames(dir)
    const run = { path: dir, grace: 0, signal }
    expect(await setAsideOrphans({ ...run, move: false })).toMatchObject({ orphans: 150, moved: 0, set: null })
    await expect(setAsideOrphans({ ...run, move: true })).rejects.toThrow('--yes-delete 150')
    await expect(setAsideOrphans({ ...run, move: true, allowed: 149 })).rejects.toThrow('Nothing was moved')
    expect(await blobNames(dir)).toEqual(before)
    const { moved, set } = await setAsideOrphans({ ...run, move: true, allowed: 150 })
    expect(moved).toBe(150)
    expect((await quarantined(dir)).toSorted()).toEqual(ids.toSorted())
    expect(await putBackSets(dir, [set!])).toEqual({ restored: 150, left: 0 })
    expect(await blobNames(dir)).toEqual(before)
    await expect(putBackSets(dir, ['orphans-none'])).rejects.toThrow('postern quarantine list')
  })

  it('leaves blobs that are younger than the grace period', async () => {
    const { driver, dir } = await startDisk()
    await put(driver, 'kept')
    await leaveOrphans(dir, 1)
    expect(await setAsideOrphans({ path: dir, grace: 3600, move: true, signal })).toMatchObject({ young: 1, moved: 0 })
  })
})

describe('verify --repair', () => {
  it('leaves too many orphans, and reports the number to pass', async () => {
    const { driver, dir } = await startDisk()
    await put(driver, 'kept')
    await leaveOrphans(dir, 101)
    const left = await verify(dir)
    expect(left).toHaveLength(101)
    expect(new Set(left.map(({ repair }) => repair))).toEqual(new Set(['left']))
    expect(left[0]?.detail).toContain('--yes-delete 101')
    expect(await blobNames(dir)).toHaveLength(102)
    const taken = await verify(dir, { allowed: 101 })
    expect(new Set(taken.map(({ repair }) => repair))).toEqual(new Set(['quarantined']))
    expect(await quarantined(dir)).toHaveLength(101)
  })

  it('removes nothing if the index lost the objects of many blobs', async () => {
    const { driver, dir } = await startDisk()
    for (let i = 0; i < 101; i++) await put(driver, `a${i}`, `${i}`)
    inIndex(dir, (db) => db.exec('DELETE FROM objects'))
    const said = async (): Promise<string[]> => {
      const problems = (await verify(dir)).filter(({ kind }) => kind === 'blob-without-object')
      return problems.map(({ detail, repair }) => `${repair}: ${detail}`)
    }
    const known = await said()
    expect(known).toHaveLength(101)
    expect(known[0]).toMatch(/^left: .*postern rebuild-index/)
    // A log that was written from this index knows no more than it does.
    await driver.close()
    await rebuildLog({ root: dir })
    const unknown = await said()
    expect(unknown).toHaveLength(101)
    expect(unknown[0]).toMatch(/^left: .*--yes-delete 101/)
    const marked = inIndex(dir, (db) => db.prepare('SELECT count(*) FROM blobs WHERE garbage_since > 0').pluck().get())
    expect(marked).toBe(0)
  })

  it('trims a blob with appended bytes by a copy, while its object is read correctly', async () => {
    const { driver, dir } = await startDisk()
    const data = bytesOf(300_000)
    await put(driver, 'a', data)
    const [path] = blobFilesOf(dir, 'a') as [string]
    const [id] = blobsOf(dir, 'a') as [string]
    await appendFile(path, 'appended')
    const read = async () => (await collect((await driver.getObject(ref('a'))).stream())).equals(data)
    expect(await read()).toBe(true)
    const found = { kind: 'blob-appended', blob: id, detail: expect.stringContaining('300008') as string }
    expect(await verify(dir, { repair: false })).toEqual([expect.objectContaining({ ...found, repair: 'left' })])
    expect(await verify(dir)).toEqual([expect.objectContaining({ ...found, repair: 'corrected' })])
    expect((await readFile(path)).equals(data)).toBe(true)
    expect((await readFile(join(dir, 'quarantine', id))).subarray(300_000).toString()).toBe('appended')
    expect(await read()).toBe(true)
    expect(await verify(dir, { deep: true })).toEqual([])
    expect(await tempFiles(dir)).toEqual([])
  })

  it('treats a longer blob with wrong bytes as damage', async () => {
    const { driver, dir } = await startDisk()
    await put(driver, 'a', bytesOf(300_000))
    const [path] = blobFilesOf(dir, 'a') as [string]
    await flipBit(path, 5)
    await appendFile(path, 'appended')
    expect(await verify(dir)).toEqual([expect.objectContaining({ kind: 'blob-damaged', repair: 'quarantined' })])
  })
})

it('does not sweep temporary files of another running process, whatever their age', async () => {
  const { driver, dir, again } = await startDisk({ abandonedAfter: 0 })
  await put(driver, 'a')
  const [lock] = await readdir(join(dir, 'writers'))
  const ofLive = join(dir, 'tmp', `${lock!.slice(0, 16)}${'0'.repeat(16)}`)
  const ofDead = join(dir, 'tmp', 'e'.repeat(32))
  for (const path of [ofLive, ofDead]) {
    await writeFile(path, 'half')
    await utimes(path, new Date(0), new Date(0))
  }
  const other = await again({ sweepOnStart: true })
  expect(await tempFiles(dir)).toEqual([basename(ofLive)])
  await verify(dir)
  expect(await tempFiles(dir)).toEqual([basename(ofLive)])
  await driver.close()
  await other.sweep()
  expect(await tempFiles(dir)).toEqual([])
  expect(dirname(ofLive)).toBe(join(dir, 'tmp'))
})
