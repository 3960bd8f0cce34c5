/** Rows 116 and 117: the database that everything acknowledged stands in. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openIndex } from '../../src/drivers/disk/open-index.ts'

test('117: SQLite is at least 3.51.3', () => {
  const db = new Database(':memory:')
  const [major = 0, minor = 0, patch = 0] = String(db.prepare('SELECT sqlite_version()').pluck().get())
    .split('.')
    .map(Number)
  db.close()
  expect(major * 1_000_000 + minor * 1000 + patch).toBeGreaterThanOrEqual(3_051_003)
})

test('116: the object index commits at synchronous=FULL', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'postern-index-'))
  const db = openIndex(join(folder, 'index.sqlite'))
  try {
    expect([db.pragma('synchronous', { simple: true }), db.pragma('journal_mode', { simple: true })]).toEqual([
      2,
      'wal',
    ])
  } finally {
    db.close()
    await rm(folder, { recursive: true })
  }
})
