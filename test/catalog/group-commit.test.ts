/** Transactions that share a commit. None is acknowledged before it, and a failed one does not affect the others. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CommitLatch } from '../../src/catalog/commit-latch.ts'
import { GroupCommit } from '../../src/catalog/group-commit.ts'

let dir: string
let database: Database.Database
let other: Database.Database
let group: GroupCommit
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'postern-group-'))
  const file = join(dir, 'test.sqlite')
  database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec('create table lines (text text not null) strict')
  group = new GroupCommit(database, new CommitLatch())
  other = new Database(file, { readonly: true })
})
afterEach(async () => {
  database.close()
  other.close()
  await rm(dir, { recursive: true })
})

const write = (text: string): void => void database.prepare('insert into lines values (?)').run(text)
const add = (text: string): Promise<void> => {
  group.enter()
  write(text)
  return group.finish()
}
/** What another process sees. */
const committed = (): unknown[] => other.prepare('select text from lines order by rowid').pluck().all()

describe('a group', () => {
  it('is committed as one, and acknowledged after that', async () => {
    const answered: string[] = []
    const all = ['a', 'b', 'c'].map((text) => add(text).then(() => answered.push(text)))
    await Promise.resolve()
    expect([answered, committed()]).toEqual([[], []])
    await Promise.race(all)
    expect(committed()).toEqual(['a', 'b', 'c'])
    await Promise.all(all)
    expect(answered).toEqual(['a', 'b', 'c'])
  })

  it('continues without an abandoned transaction', async () => {
    const first = add('a')
    group.enter()
    write('lost')
    group.abandon()
    await Promise.all([first, add('b')])
    expect(committed()).toEqual(['a', 'b'])
  })

  it('leaves nothing open if its only transaction is abandoned', () => {
    group.enter()
    write('lost')
    group.abandon()
    expect(database.inTransaction).toBe(false)
    expect(committed()).toEqual([])
  })

  it('waits for a transaction that takes longer than one turn of the event loop', async () => {
    const first = add('a')
    group.enter()
    write('b')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(committed()).toEqual([])
    await Promise.all([first, group.finish()])
    expect(committed()).toEqual(['a', 'b'])
  })

  it('is committed early on request', async () => {
    const first = add('a')
    group.commit()
    expect(committed()).toEqual(['a'])
    await first
  })
})

describe('a failure', () => {
  it('of the commit rejects all', async () => {
    database.exec('create table parents (id integer primary key) strict')
    database.exec('create table children (parent integer references parents (id) deferrable initially deferred) strict')
    database.pragma('foreign_keys = ON')
    group.enter()
    database.exec('insert into children values (1)')
    const results = await Promise.allSettled([group.finish(), add('a')])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect([database.inTransaction, committed()]).toEqual([false, []])
    await add('b')
    expect(committed()).toEqual(['b'])
  })

  it('after which SQLite has rolled everything back rejects the earlier transactions as retryable', async () => {
    const first = add('a')
    group.enter()
    write('b')
    database.exec('rollback')
    group.abandon()
    await expect(first).rejects.toMatchObject({ code: 'SQLITE_BUSY' })
    await add('c')
    expect(committed()).toEqual(['c'])
  })
})
