/**
 * A store with `fsync: none` after a power cut. The start gives the reason and the possible loss, and the command that
 * it names opens the store again.
 */
import { renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { rebuildIndex } from '../../src/drivers/disk/change-log/rebuild-index.ts'
import { rebuildLog } from '../../src/drivers/disk/change-log/rebuild-log.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { verifyStore } from '../../src/drivers/disk/verify/verify-store.ts'
import { collect } from '../conformance/driver/suite-tools.ts'
import { blobFiles } from './disk-fixture.ts'
import { put, ref, startDisk } from './start-disk.ts'
import { overwrite, packsOf, removeIndex } from './store-log.ts'

const keys = ['a', 'b', 'c', 'd', 'e', 'f']

/** A stopped store with several packs. */
async function startUnsynced() {
  const fixture = await startDisk({ fsync: 'none', packSize: 16_384 })
  for (const key of keys) await put(fixture.driver, key, `bytes of ${key}`)
  await fixture.driver.close()
  return fixture
}

async function readAll(driver: StorageDriver): Promise<string[]> {
  const { objects } = await driver.listObjects({ bucket: 'postern' })
  for (const { key } of objects) {
    expect((await collect((await driver.getObject(ref(key))).stream())).toString()).toBe(`bytes of ${key}`)
  }
  return objects.map(({ key }) => key)
}

const lastPack = (dir: string): string => packsOf(dir).at(-1)!
const zeros = Buffer.alloc(4096)

const moveAway = (dir: string): void => renameSync(lastPack(dir), join(dir, 'moved-away.pack'))

it.each([
  {
    state: 'the log ends before the index',
    cut: (dir: string) => truncateSync(lastPack(dir), 4096),
    says: /The log is older.*postern rebuild-log/,
    heal: (root: string) => rebuildLog({ root }),
    kept: keys,
  },
  {
    state: 'the last pack has lost its header',
    cut: (dir: string) => overwrite(lastPack(dir), 0, zeros),
    says: /its header is damaged.*postern rebuild-log/,
    heal: (root: string) => rebuildLog({ root }),
    kept: keys,
  },
  {
    state: 'the last pack is empty, and so is the index',
    cut: (dir: string) => {
      truncateSync(lastPack(dir), 0)
      removeIndex(dir)
    },
    says: /its header is damaged.*move it out of the store.*postern rebuild-index/,
    heal: (root: string) => {
      moveAway(root)
      return rebuildIndex({ root })
    },
    // What only the last pack knew is lost.
    kept: ['a', 'b', 'c', 'd'],
  },
  {
    state: 'the folder of the log is empty',
    cut: (dir: string) => {
      for (const pack of packsOf(dir)) rmSync(pack)
    },
    says: /objects\/log is missing or empty.*postern rebuild-log/,
    heal: (root: string) => rebuildLog({ root }),
    kept: keys,
  },
  {
    state: 'the index is damaged',
    cut: (dir: string) => {
      removeIndex(dir)
      writeFileSync(join(dir, 'index.sqlite'), Buffer.alloc(65_536, 'lost'))
    },
    says: /index\.sqlite is damaged.*postern rebuild-index/,
    heal: (root: string) => rebuildIndex({ root }),
    kept: keys,
  },
  {
    state: 'the index is gone',
    cut: removeIndex,
    says: /index\.sqlite is missing or empty.*postern rebuild-index/,
    heal: (root: string) => rebuildIndex({ root }),
    kept: keys,
  },
])('$state: the refusal says why and what is lost, and its command opens the store', async (one) => {
  const { dir, again } = await startUnsynced()
  one.cut(dir)
  const before = await blobFiles(dir)
  const refused = await again().catch((error: Error) => error)
  expect(refused).toMatchObject({ code: 'Unavailable' })
  expect((refused as Error).message).toMatch(one.says)
  expect((refused as Error).message).toMatch(/storage\.disk\.fsync is none.*last minute.*postern verify --deep/)
  const synced = await again({ fsync: 'full' }).catch((error: Error) => error)
  expect((synced as Error).message).not.toContain('fsync is none')
  expect(await blobFiles(dir)).toEqual(before)

  await one.heal(dir)
  const driver = await again()
  expect(await readAll(driver)).toEqual(one.kept)
  await put(driver, 'later', 'bytes of later')
  expect(await readAll(driver)).toContain('later')
})

it('starts if the bytes of an object are lost, and verify reports the object', async () => {
  const { dir, again } = await startUnsynced()
  const blob = (await blobFiles(dir)).find((file) => statSync(file).size === 'bytes of a'.length)
  truncateSync(blob!, 0)
  await again()
  const problems: object[] = []
  await verifyStore({
    path: dir,
    deep: true,
    repair: false,
    grace: 0,
    tempGrace: 0,
    report: { count: () => {}, problem: (problem) => void problems.push(problem) },
    signal: new AbortController().signal,
  })
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatchObject({
    kind: 'blob-size',
    bucket: 'postern',
    key: expect.stringMatching(/^[a-f]$/) as string,
  })
})
