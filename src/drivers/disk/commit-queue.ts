/**
 * Group commit: what waits when the loop comes round goes into one transaction, so that uploads that end together share
 * one sync of the index, and the loop is held up once instead of once for each.
 */
import { StorageError } from '../../errors.ts'
import type { Index } from './open-index.ts'
import { isIndexFailure } from './store-error.ts'
import type { WriteGuard } from './write-guard.ts'

/** Reads and writes the index; throws a StorageError to refuse, in which case nothing of it remains. */
type Job = { run: () => unknown; resolve: (value: never) => void; reject: (reason: unknown) => void }

export class CommitQueue {
  readonly #guard: WriteGuard
  readonly #attempt: (run: () => unknown) => unknown
  readonly #batch: (jobs: Job[]) => (() => void)[]
  #waiting: Job[] = []
  #closed = false

  constructor(db: Index, guard: WriteGuard) {
    this.#guard = guard
    // Inside another transaction this is a savepoint: a refused job undoes its own changes alone.
    this.#attempt = db.transaction((run: () => unknown) => run())
    const all = db.transaction((jobs: Job[]) => jobs.map((job) => this.#settle(job)))
    this.#batch = (jobs) => all.immediate(jobs)
  }

  /** Resolves when the change is on the disk. */
  run<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) return reject(new StorageError('Unavailable', { message: 'The store is closing.' }))
      this.#waiting.push({ run, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => this.flush())
    })
  }

  flush(): void {
    const jobs = this.#waiting
    if (jobs.length === 0) return
    this.#waiting = []
    try {
      this.#guard.assertSound()
      for (const answer of this.#batch(jobs)) answer()
    } catch (cause) {
      if (isIndexFailure(cause)) this.#guard.trip(cause)
      for (const { reject } of jobs) reject(cause)
    }
  }

  close(): void {
    this.flush()
    this.#closed = true
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
