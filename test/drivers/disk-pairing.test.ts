/** The generation of the catalog that a store was last used with: compared at each start, and kept by every command. */
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import { convertToVersion2 } from '../../src/drivers/disk/change-log/convert.ts'
import { fitOf } from '../../src/drivers/disk/change-log/pairing.ts'
import { rebuildIndex } from '../../src/drivers/disk/change-log/rebuild-index.ts'
import { rebuildLog } from '../../src/drivers/disk/change-log/rebuild-log.ts'
import { put, startDisk } from './start-disk.ts'
import { copyStore, overwrite, packsOf, removeIndex } from './store-log.ts'

const generation = (number: number, mark = 'a') => ({ number, mark })
const catalog = (current: number, announced = current, mark = 'a') => ({
  current: generation(current, mark),
  announced: generation(announced, mark),
})

it.each([
  ['a store that has met no catalog', catalog(8), null, 'fits'],
  ['the same generation', catalog(8), generation(8), 'fits'],
  ['a step that was announced alone', catalog(8, 10), generation(8), 'fits'],
  ['a step that the store has entered and the catalog has not', catalog(8, 10), generation(10), 'fits'],
  ['a catalog that was saved up to one step earlier', catalog(8), generation(9), 'fits'],
  ['a store that was saved up to one step earlier', catalog(9), generation(8), 'fits'],
  ['a catalog from before the last start', catalog(8), generation(10), 'catalog is older'],
  ['a catalog that never met a store', catalog(0), generation(2), 'catalog is older'],
  ['a store from before the last start', catalog(10), generation(8), 'store is older'],
  ['copies that were used separately', catalog(8), generation(8, 'b'), 'not of one history'],
  ['copies that were used separately up to an announcement', catalog(6, 8), generation(8, 'b'), 'not of one history'],
] as const)('%s', (_, of, store, fit) => expect(fitOf(of, store)).toBe(fit))

it('only increases', async () => {
  const { driver } = await startDisk()
  const { paired } = driver
  expect(paired!.generation()).toBe(null)
  await paired!.enterGeneration(generation(4))
  await paired!.enterGeneration(generation(3, 'late'))
  expect(paired!.generation()).toEqual(generation(4))
})

/** A store with one object, of generation 4, closed. */
async function pairedStore(): Promise<string> {
  const { driver, dir } = await startDisk({ packSize: 64 * 1024 })
  await driver.paired!.enterGeneration(generation(4))
  await put(driver, 'a')
  await driver.close()
  return copyStore(dir)
}

function generationIn(dir: string): unknown {
  const db = new Database(join(dir, 'index.sqlite'), { readonly: true })
  try {
    return db.prepare('SELECT number, mark FROM paired').get() ?? null
  } finally {
    db.close()
  }
}

it('is in the log, so rebuild-index restores it', async () => {
  const dir = await pairedStore()
  removeIndex(dir)
  await rebuildIndex({ root: dir })
  expect(generationIn(dir)).toEqual(generation(4))
})

it('is in a log that was rebuilt from the index', async () => {
  const dir = await pairedStore()
  rmSync(join(dir, 'objects/log'), { recursive: true })
  await rebuildLog({ root: dir })
  removeIndex(dir)
  await rebuildIndex({ root: dir })
  expect(generationIn(dir)).toEqual(generation(4))
})

it('is forgotten if the log has lost a part, or if the store was restored without its catalog', async () => {
  const dir = await pairedStore()
  const restored = copyStore(dir)
  await rebuildLog({ root: restored, unpair: true })
  expect(generationIn(restored)).toBe(null)
  removeIndex(restored)
  await rebuildIndex({ root: restored })
  expect(generationIn(restored)).toBe(null)

  const { driver, dir: damaged } = await startDisk({ packSize: 4096 })
  await driver.paired!.enterGeneration(generation(4))
  for (const key of ['a', 'b', 'c', 'd']) await put(driver, key)
  await driver.close()
  const packs = packsOf(damaged)
  const hurt = packs.slice(2, -1).find((pack) => statSync(pack).size > 4096)!
  overwrite(hurt, 4096 + 66, Buffer.from('damage'))
  removeIndex(damaged)
  expect((await rebuildIndex({ root: damaged })).gaps.length).toBeGreaterThan(0)
  expect(generationIn(damaged)).toBe(null)
})

it('does not survive a conversion to format 2', async () => {
  const dir = await pairedStore()
  await convertToVersion2(dir)
  const { driver } = await startDisk({ path: dir })
  expect(driver.paired!.generation()).toBe(null)
})
