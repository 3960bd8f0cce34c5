/**
 * Parts of a store from different moments, as after power cuts and partial restores. Every mix of index and log either
 * starts with all acknowledged writes, or is refused with a command that restores them. No blob is deleted.
 */
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { rebuildIndex } from '../../src/drivers/disk/change-log/rebuild-index.ts'
import { rebuildLog } from '../../src/drivers/disk/change-log/rebuild-log.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { blobFiles } from './disk-fixture.ts'
import { put, ref, startDisk } from './start-disk.ts'
import { copyStore, packsOf, removeIndex } from './store-log.ts'

const ends = ['', '-wal', '-shm']
const index = (dir: string): string => join(dir, 'index.sqlite')
const keysOf = async (driver: StorageDriver): Promise<string[]> =>
  (await driver.listObjects({ bucket: 'postern' })).objects.map(({ key }) => key)

function takeIndex(from: string, to: string): void {
  removeIndex(to)
  for (const end of ends) cpSync(`${index(from)}${end}`, `${index(to)}${end}`)
}

function takeLog(from: string | null, to: string): void {
  rmSync(join(to, 'objects/log'), { recursive: true })
  if (from !== null) cpSync(join(from, 'objects/log'), join(to, 'objects/log'), { recursive: true })
}

/** A store of two moments: `old` has a and b, `now` has b, c and d. */
async function storeOfTwoMoments(): Promise<{ old: string; now: string }> {
  const { driver, dir } = await startDisk()
  for (const key of ['a', 'b']) await put(driver, key, `bytes of ${key}`)
  const old = copyStore(dir)
  for (const key of ['c', 'd']) await put(driver, key, `bytes of ${key}`)
  await driver.deleteObject(ref('a'))
  return { old, now: copyStore(dir) }
}

/** Blobs by name, wherever they lie. */
const blobsIn = (dir: string): string[] =>
  (readdirSync(dir, { recursive: true }) as string[])
    .map((name) => basename(name))
    .filter((name) => /^[0-9a-f]{32}$/.test(name))
    .toSorted()

type Outcome = 'starts' | 'rebuild-index' | 'rebuild-log'
const mixes: [index: 'old' | 'new' | 'empty' | 'gone', log: 'old' | 'new' | 'gone', Outcome][] = [
  ['new', 'new', 'starts'],
  ['old', 'new', 'starts'],
  ['empty', 'new', 'rebuild-index'],
  ['gone', 'new', 'rebuild-index'],
  ['new', 'old', 'rebuild-log'],
  ['new', 'gone', 'rebuild-log'],
]

describe('a store of parts from different moments', () => {
  it.each(mixes)('index %s, log %s: %s', async (whichIndex, whichLog, outcome) => {
    const { old, now } = await storeOfTwoMoments()
    const { driver, dir, again } = await startDisk()
    await driver.close()
    rmSync(dir, { recursive: true })
    cpSync(now, dir, { recursive: true })
    if (whichIndex === 'old') takeIndex(old, dir)
    if (whichIndex === 'empty' || whichIndex === 'gone') removeIndex(dir)
    if (whichIndex === 'empty') writeFileSync(index(dir), '')
    if (whichLog !== 'new') takeLog(whichLog === 'old' ? old : null, dir)
    const before = blobsIn(dir)

    const started = await again({ sweepOnStart: true }).catch((error: Error) => error)
    const said = started instanceof Error ? /postern (rebuild-\w+)/.exec(started.message)?.[1] : 'starts'
    expect(said).toBe(outcome)
    expect(blobsIn(dir)).toEqual(before)
    if (outcome === 'rebuild-index') await rebuildIndex({ root: dir })
    if (outcome === 'rebuild-log') await rebuildLog({ root: dir })
    const opened = started instanceof Error ? await again({ sweepOnStart: true }) : started
    expect(await keysOf(opened)).toEqual(['b', 'c', 'd'])
    await opened.sweep()
    // Nothing but the bytes of the deleted object may go, after its grace.
    expect(before.length - (await blobFiles(dir)).length).toBeLessThanOrEqual(1)
  })
})

describe('a power cut', () => {
  const walOf = (dir: string): string => `${index(dir)}-wal`
  it.each([
    ['the last commits of the index', (dir: string, old: string) => cpSync(walOf(old), walOf(dir)), ['b', 'c', 'd']],
    ['the tail of the log that was not synced', (dir: string) => tear(dir), ['b', 'c', 'd']],
    [
      'both',
      (dir: string, old: string) => {
        cpSync(walOf(old), walOf(dir))
        tear(dir)
      },
      ['b', 'c', 'd'],
    ],
    ['the whole WAL of the index', (dir: string) => rmSync(walOf(dir)), ['b', 'c', 'd']],
  ])('that takes %s loses nothing that was answered', async (_, cut, kept) => {
    const { old, now } = await storeOfTwoMoments()
    const { driver, dir, again } = await startDisk()
    await driver.close()
    rmSync(dir, { recursive: true })
    cpSync(now, dir, { recursive: true })
    rmSync(`${index(dir)}-shm`, { force: true })
    cut(dir, old)
    const before = blobsIn(dir)
    const started = await again().catch((error: Error) => error)
    expect(blobsIn(dir)).toEqual(before)
    expect(started instanceof Error ? started.message : 'postern rebuild-index').toContain('postern rebuild-index')
    if (started instanceof Error) await rebuildIndex({ root: dir })
    expect(await keysOf(started instanceof Error ? await again() : started)).toEqual(kept)
  })
})

/** A batch that was being written when the power went: a part of its frame is there. */
function tear(dir: string): void {
  const pack = packsOf(dir).at(-1)!
  writeFileSync(pack, Buffer.alloc(512, 7), { flag: 'a' })
}
