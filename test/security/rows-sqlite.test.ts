/** Security cases 116 and 117: the databases of acknowledged changes. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { fileCalls } from '../../src/drivers/disk/file-calls.ts'
import { put, startDisk } from '../drivers/start-disk.ts'

test('SQLite is at least 3.51.3', () => {
  const db = new Database(':memory:')
  const [major = 0, minor = 0, patch = 0] = String(db.prepare('SELECT sqlite_version()').pluck().get())
    .split('.')
    .map(Number)
  db.close()
  expect(major * 1_000_000 + minor * 1000 + patch).toBeGreaterThanOrEqual(3_051_003)
})

test('a change is in the synced log before the object index commits it', async () => {
  const reader: { db?: Database.Database } = {}
  const seen: { syncs: number; visible: number } = { syncs: 0, visible: 0 }
  const { driver, dir } = await startDisk({
    calls: {
      fdatasyncSync(fd) {
        seen.syncs++
        if (reader.db?.prepare('SELECT 1 FROM objects').get() !== undefined) seen.visible++
        fileCalls.fdatasyncSync(fd)
      },
    },
  })
  reader.db = new Database(join(dir, 'index.sqlite'), { readonly: true })
  onTestFinished(() => void reader.db?.close())
  seen.syncs = 0
  await put(driver, 'answered')
  expect(seen).toEqual({ syncs: 1, visible: 0 })
  expect(reader.db.prepare('SELECT key FROM objects').pluck().all()).toEqual(['answered'])
})
