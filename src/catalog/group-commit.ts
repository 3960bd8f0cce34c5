/**
 * Commits the transactions that finish in one turn of the event loop together. They share one sync of the disk, which
 * is their largest cost, and block the loop once. Each is a savepoint, so that a failed one does not affect the others.
 * None resolves before the shared commit.
 */
import Database from 'better-sqlite3'
import type { CommitLatch } from './commit-latch.ts'

type Member = { resolve: () => void; reject: (reason: unknown) => void }

export class GroupCommit {
  readonly #database: Database.Database
  readonly #latch: CommitLatch
  readonly #run: Record<'begin' | 'commit' | 'rollback' | 'enter' | 'leave' | 'undo', () => void>
  /** Finished transactions that wait for the commit. */
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
      // Takes the write lock at once, so that no process can change the data between a read and the write.
      begin: statement('begin immediate'),
      commit: statement('commit'),
      rollback: statement('rollback'),
      enter: statement('savepoint member'),
      leave: statement('release member'),
      undo: statement('rollback to member'),
    }
  }

  /** Begins a transaction. The previous one must have called `finish` or `abandon`. */
  enter(): void {
    this.#latch.assertSound()
    if (!this.#isOpen) this.#run.begin()
    this.#isOpen = true
    this.#run.enter()
    this.#isMemberAtWork = true
  }

  /** Ends a transaction, so that the next one can start. Resolves when the transaction is durable. */
  finish(): Promise<void> {
    this.#run.leave()
    this.#isMemberAtWork = false
    return new Promise((resolve, reject) => {
      this.#members.push({ resolve, reject })
      // Schedule this even if another member did, because that call may find a running transaction and do nothing.
      setImmediate(() => this.commit())
    })
  }

  /** Rolls a transaction back. */
  abandon(): void {
    this.#isMemberAtWork = false
    if (!this.#database.inTransaction) {
      // After some failures (a full disk, an I/O error) SQLite has already rolled everything back.
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

  /** Commits the finished transactions. Does nothing while a transaction is running. */
  commit(): void {
    if (!this.#isOpen || this.#isMemberAtWork) return
    this.#isOpen = false
    try {
      this.#run.commit()
      this.#settle(({ resolve }) => resolve())
    } catch (cause) {
      this.#latch.report(cause)
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
