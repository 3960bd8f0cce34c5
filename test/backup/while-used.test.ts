/** A backup of a store that changes or is damaged, and a backup that is aborted. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { unlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readPrevious } from '../../src/backup/previous.ts'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import { bytesOf, codeOf, collect } from '../conformance/driver/suite-tools.ts'
import { diskOptions } from '../drivers/disk-fixture.ts'
import { put, ref } from '../drivers/start-disk.ts'
import { blobFilesOf, blobsOf, flipBit } from '../fixtures/damage.ts'
import { emptyFolder, restoreTo, startSource } from './store.ts'

it('contains everything that existed at its start, whatever is deleted in the meantime', async () => {
  const { driver, file, backup } = await startSource()
  const data = new Map(Array.from({ length: 6 }, (_, i) => [`key-${i}`, bytesOf(30_000 + i)]))
  for (const [key, bytes] of data) await put(driver, key, bytes)
  const result = await backup({}, async () => {
    for (const key of data.keys()) await driver.deleteObject(ref(key))
    await put(driver, 'later')
    // Without any grace, but for the hold.
    expect(await driver.sweep()).toEqual({ removed: 0 })
  })
  expect(result).toMatchObject({ blobs: 6, damaged: [] })
  expect(await driver.sweep()).toEqual({ removed: 6 })

  const folder = emptyFolder()
  await restoreTo(folder, file)
  const again = await createDiskDriver(diskOptions(join(folder, 'storage'), { grace: 0 }))
  onTestFinished(() => again.close())
  for (const [key, bytes] of data) {
    expect((await collect((await again.getObject(ref(key))).stream())).equals(bytes)).toBe(true)
  }
  expect(await codeOf(again.headObject(ref('later')))).toBe('NotFound')
  expect(await again.sweep()).toEqual({ removed: 0 })
})

it('an abandoned hold expires', async () => {
  const { driver, dir } = await startSource()
  const hold = join(dir, 'holds', 'left')
  mkdirSync(dirname(hold))
  writeFileSync(hold, '')
  await put(driver, 'a')
  await driver.deleteObject(ref('a'))
  expect(await driver.sweep()).toEqual({ removed: 0 })
  const longAgo = new Date(Date.now() - 601_000)
  await utimes(hold, longAgo, longAgo)
  expect(await driver.sweep()).toEqual({ removed: 1 })
  expect(existsSync(hold)).toBe(false)
})

it('reports damaged blobs, stores their bytes separately, and backs them up again next time', async () => {
  const { driver, dir, file, backup } = await startSource()
  for (const key of ['good', 'bad', 'gone']) await put(driver, key, bytesOf(100_000))
  const [good, bad, gone] = ['good', 'bad', 'gone'].map((key) => blobsOf(dir, key)[0]!) as [string, string, string]
  await flipBit(blobFilesOf(dir, 'bad')[0]!, 50_000)
  await unlink(blobFilesOf(dir, 'gone')[0]!)
  const { damaged } = await backup()
  expect(Object.fromEntries(damaged.map((line) => [line.id, line.damaged]))).toEqual({
    [bad]: 'damaged',
    [gone]: 'missing',
  })
  expect([...(await readPrevious(file)).blobs.keys()]).toEqual([good])

  const folder = emptyFolder()
  await restoreTo(folder, file)
  expect(readdirSync(join(folder, 'storage', 'quarantine'))).toEqual([bad])
  expect(existsSync(join(folder, 'storage', 'objects', good.slice(0, 2), good.slice(2, 4), good))).toBe(true)
})

it('leaves nothing after it was aborted', async () => {
  const { driver, dir, file, backup } = await startSource()
  for (let i = 0; i < 5; i++) await put(driver, `key-${i}`, bytesOf(200_000))
  const stopping = new AbortController()
  await expect(backup({ signal: stopping.signal, onBytes: () => stopping.abort() })).rejects.toThrow('abort')
  expect(readdirSync(dirname(file))).toEqual([])
  expect(readdirSync(join(dir, 'holds'))).toEqual([])
})

it('can be restored only to an empty folder', async () => {
  const { driver, file, backup } = await startSource()
  await put(driver, 'a')
  await backup()
  const folder = emptyFolder()
  mkdirSync(join(folder, 'storage'))
  writeFileSync(join(folder, 'storage', '.gitkeep'), '')
  writeFileSync(join(folder, 'catalog.sqlite'), 'mine')
  await expect(restoreTo(folder, file)).rejects.toThrow('Move it away first, or name another')
  await unlink(join(folder, 'catalog.sqlite'))
  await restoreTo(folder, file)
  await expect(restoreTo(folder, file)).rejects.toThrow('is not empty')
})

it('can be restored to a folder with only the locks of ended processes', async () => {
  const { driver, file, backup } = await startSource()
  await put(driver, 'a')
  await backup()
  const folder = emptyFolder()
  const store = join(folder, 'storage')
  mkdirSync(join(store, 'writers'), { recursive: true })
  const locks = ['server.lock', 'server.lock.json', 'keys.lock', 'writers/0123456789abcdef.lock']
  for (const name of locks) writeFileSync(join(store, name), '')
  for (const name of ['catalog.sqlite.lock', 'catalog.sqlite.lock.json']) writeFileSync(join(folder, name), '')
  for (const name of ['writers/note.txt', 'other.lock', 'catalog.sqlite.lock']) {
    writeFileSync(join(store, name), 'mine')
    await expect(restoreTo(folder, file)).rejects.toThrow('is not empty')
    await unlink(join(store, name))
  }
  expect((await restoreTo(folder, file)).blobs).toBe(1)
})
