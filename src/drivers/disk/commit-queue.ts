/**
 * Group commit: what waits when the loop comes round goes into one transaction, so that uploads that end together share
 * one sync of the index, and the loop is held up once instead of once for each.
 */
import { StorageError } from '../../errors.ts'
import type { Index } from './open-index.ts'
import { isIndexBusy, isIndexFailure } from './store-error.ts'
import type { WriteGuard } from './write-guard.ts'

/** Reads and writes the index; throws a StorageError to refuse, in which case nothing of it remains. */
type Job = { run: () => unknown; resolve: (value: never) => void; reject: (reason: unknown) => void; giveUpAt: number }

/**
 * Milliseconds for which jobs are tried again while another process writes. SQLite's own waiting holds up the loop, so
 * there is little of it (open-index.ts); none of a busy transaction has happened.
 */
const patience = 5000

export class CommitQueue {
  readonly #guard: WriteGuard
  readonly #attempt: (run: () => unknown) => unknown
  readonly #batch: (jobs: Job[]) => (() => void)[]
  #waiting: Job[] = []
  #closed = false
  #retry: NodeJS.Timeout | undefined
  readonly #waitLong: () => void

  constructor(db: Index, guard: WriteGuard) {
    this.#guard = guard
    // Inside another transaction this is a savepoint: a refused job undoes its own changes alone.
    this.#attempt = db.transaction((run: () => unknown) => run())
    const all = db.transaction((jobs: Job[]) => jobs.map((job) => this.#settle(job)))
    this.#batch = (jobs) => all.immediate(jobs)
    this.#waitLong = () => void db.pragma(`busy_timeout = ${patience}`)
  }

  /** Resolves when the change is on the disk. */
  run<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) return reject(new StorageError('Unavailable', { message: 'The store is closing.' }))
      this.#waiting.push({ run, resolve, reject, giveUpAt: performance.now() + patience })
      if (this.#waiting.length === 1 && !this.#retry) setImmediate(() => this.flush())
    })
  }

  flush(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    const jobs = this.#waiting
    if (jobs.length === 0) return
    this.#waiting = []
    try {
      this.#guard.assertSound()
      for (const answer of this.#batch(jobs)) answer()
    } catch (cause) {
      if (isIndexFailure(cause)) this.#guard.trip(cause)
      const again = isIndexBusy(cause) && !this.#closed ? jobs.filter((job) => performance.now() < job.giveUpAt) : []
      for (const job of jobs) if (!again.includes(job)) job.reject(cause)
      if (again.length > 0) this.#tryAgain(again)
    }
  }

  #tryAgain(jobs: Job[]): void {
    this.#waiting = [...jobs, ...this.#waiting]
    this.#retry = setTimeout(() => this.flush(), 2 + Math.random() * 8)
  }

  /** What waits is done or refused. */
  close(): void {
    this.#closed = true
    this.#waitLong()
    this.flush()
  }

  /** Answers are given after the commit. An error of SQLite itself ends the batch: the transaction may be gone. */
  #settle(job: Job): () => void {
    try {
      const value = this.#attempt(job.run) as never
      return () => job.resolve(value)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      return () => job.reject(error)
    }
  }
}
