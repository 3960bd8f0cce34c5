/**
 * Transactions that end in one turn of the event loop are committed together: they share one sync of the disk, which
 * costs more than all else that they do, and hold the loop up once. Each is a savepoint of its own, so that one that
 * fails takes nothing of the others along, and none is answered before the commit that holds it.
 */
import Database from 'better-sqlite3'
import type { CommitLatch } from './commit-latch.ts'

type Member = { resolve: () => void; reject: (reason: unknown) => void }

export class GroupCommit {
  readonly #database: Database.Database
  readonly #latch: CommitLatch
  readonly #run: Record<'begin' | 'commit' | 'rollback' | 'enter' | 'leave' | 'undo', () => void>
  /** Those that are done and wait for the commit. */
  #members: Member[] = []
  #isOpen = false
  #isMemberAtWork = false

  constructor(database: Database.Database, latch: CommitLatch) {
    this.#database = database
    this.#latch = latch
    const statement = (sql: string): (() => void) => {
      const prepared = database.prepare(sql)
      return () => void prepared.run()
    }
    this.#run = {
      // With the write lock from the start: what is read cannot change before the write, in this process or another.
      begin: statement('begin immediate'),
      commit: statement('commit'),
      rollback: statement('rollback'),
      enter: statement('savepoint member'),
      leave: statement('release member'),
      undo: statement('rollback to member'),
    }
  }

  /** Begins a transaction. The one before it has called `finish` or `abandon`. */
  enter(): void {
    this.#latch.assertSound()
    if (!this.#isOpen) this.#run.begin()
    this.#isOpen = true
    this.#run.enter()
    this.#isMemberAtWork = true
  }

  /** Ends a transaction; the next may begin at once. Resolves when it is on the disk. */
  finish(): Promise<void> {
    this.#run.leave()
    this.#isMemberAtWork = false
    return new Promise((resolve, reject) => {
      this.#members.push({ resolve, reject })
      // Also when one before it has asked: that call may have found a transaction at work.
      setImmediate(() => this.commit())
    })
  }

  /** Ends a transaction of which nothing shall remain. */
  abandon(): void {
    this.#isMemberAtWork = false
    if (!this.#database.inTransaction) {
      // After some failures (a full disk, an I/O error) SQLite has rolled everything back by itself.
      this.#isOpen = false
      this.#settle(({ reject }) =>
        reject(new Database.SqliteError('a shared transaction was rolled back', 'SQLITE_BUSY')),
      )
      return
    }
    this.#run.undo()
    this.#run.leave()
    if (this.#members.length === 0) {
      this.#isOpen = false
      this.#run.rollback()
    } else {
      setImmediate(() => this.commit())
    }
  }

  /** Commits what is done. While a transaction is at work it does nothing: the commit comes after that. */
  commit(): void {
    if (!this.#isOpen || this.#isMemberAtWork) return
    this.#isOpen = false
    try {
      this.#run.commit()
      this.#settle(({ resolve }) => resolve())
    } catch (cause) {
      this.#latch.hear(cause)
      if (this.#database.inTransaction) this.#run.rollback()
      this.#settle(({ reject }) => reject(cause))
    }
  }

  #settle(answer: (member: Member) => void): void {
    const members = this.#members
    this.#members = []
    for (const member of members) answer(member)
  }
}
