/** Who may read a database file, and what guards it from other processes. */
import { readFileSync, statSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSqliteDatabase } from '../src/catalog/sqlite.ts'
import { openIndex } from '../src/drivers/disk/open-index.ts'
import { openDatabaseFile } from '../src/sqlite-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-sqlite-'))
})
afterEach(() => rm(folder, { recursive: true }))

const openings = [
  { name: 'object index', open: (file: string) => openIndex(file) },
  { name: 'catalog', open: (file: string) => openSqliteDatabase(file) },
]

/** SQLite keeps no lock on a file that is still empty. */
function addTable(file: string): void {
  const db = new Database(file)
  db.exec('CREATE TABLE something (x)')
  db.close()
}

/** Locks that this process holds on the file, as the kernel lists them. */
function locksOn(file: string): string[] {
  const { ino } = statSync(file)
  const mine = new RegExp(` ${process.pid} [\\da-f]+:[\\da-f]+:${ino} `)
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .filter((line) => mine.test(line))
}

it.runIf(process.platform === 'linux').for(openings)(
  'keeps its lock when the $name is opened twice in one process',
  async ({ open }) => {
    const file = join(folder, 'db.sqlite')
    await open(file).close()
    addTable(file)
    const first = open(file)
    const second = open(file)
    try {
      expect(locksOn(file)).toHaveLength(1)
    } finally {
      await second.close()
      await first.close()
    }
  },
)

it.for(openings)('makes the $name readable to its owner alone, also one that was not', async ({ open }) => {
  const file = join(folder, 'db.sqlite')
  await open(file).close()
  expect(statSync(file).mode & 0o777).toBe(0o600)
  await chmod(file, 0o644)
  await open(file).close()
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

it('says what keeps a database from being opened, where its folder cannot be looked at', () => {
  expect(() => openDatabaseFile(join(folder, 'missing', 'index.sqlite'))).toThrow(
    expect.objectContaining({ code: 'ENOENT', syscall: 'stat', path: join(folder, 'missing') }),
  )
})
