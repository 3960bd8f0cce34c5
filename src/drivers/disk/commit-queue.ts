/**
 * Group commit: all jobs that are queued in one turn of the event loop share one transaction and one sync of the log,
 * and block the loop once. The order is: run the jobs, append their states to the log, sync the log (the commit point),
 * commit the index.
 */
import { StorageError } from '../../errors.ts'
import type { ChangeLog } from './change-log/change-log.ts'
import { Positions, type Position } from './change-log/position.ts'
import { encodeStates, StateReader, StateWriter, type State } from './change-log/states.ts'
import { TouchedRows } from './change-log/touched.ts'
import type { Index } from './open-index.ts'
import { isIndexBusy, isIndexFailure, UnknownOutcome } from './store-error.ts'
import type { WriteGuard } from './write-guard.ts'

/** Reads and writes the index. A job that throws a StorageError is rolled back alone. */
type Job = { run: () => unknown; resolve: (value: never) => void; reject: (reason: unknown) => void; giveUpAt: number }

type Answers = { answers: (() => void)[]; metas: Buffer[]; states: number; changes: PositionChanges }

/** Return value of a job that logs states beyond the rows that it changed. */
export class WithStates<T> {
  readonly value: T
  /** Each element becomes one frame. */
  readonly frames: readonly (readonly State[])[]
  readonly position: PositionChanges

  constructor(value: T, frames: readonly (readonly State[])[], position: PositionChanges = {}) {
    this.value = value
    this.frames = frames
    this.position = position
  }
}

/** `newPack`: the frames of this commit start a new pack. */
type PositionChanges = Partial<Pick<Position, 'unlogged' | 'firstPack'>> & { newPack?: boolean }

/**
 * Milliseconds for which jobs are retried while another process writes. SQLite's own wait blocks the event loop, so it
 * is kept short (open-index.ts). A busy transaction has changed nothing.
 */
const patience = 5000

/** Number of pages in the WAL, roughly counted, after which a checkpoint moves them into the database file. */
const checkpointAfter = 1000
/** Pages changed per row, with its indexes. */
const pagesPerState = 3

export class CommitQueue {
  readonly #db: Index
  readonly #guard: WriteGuard
  readonly #log: ChangeLog
  readonly #now: () => Date
  readonly #attempt: (run: () => unknown) => unknown
  readonly #begin
  readonly #commit
  readonly #rollback
  readonly #positions: Positions
  readonly #touched: TouchedRows
  readonly #reader: StateReader
  readonly #writer: StateWriter
  #waiting: Job[] = []
  #closed = false
  #retry: NodeJS.Timeout | undefined
  #pages = 0

  constructor(o: { db: Index; guard: WriteGuard; log: ChangeLog; now: () => Date }) {
    const { db } = o
    this.#db = db
    this.#guard = o.guard
    this.#log = o.log
    this.#now = o.now
    // Inside another transaction this is a savepoint, so a failed job undoes only its own changes.
    this.#attempt = db.transaction((run: () => unknown) => run())
    this.#begin = db.prepare('BEGIN IMMEDIATE')
    this.#commit = db.prepare('COMMIT')
    this.#rollback = db.prepare('ROLLBACK')
    this.#positions = new Positions(db)
    this.#touched = new TouchedRows(db)
    this.#reader = new StateReader(db)
    this.#writer = new StateWriter(db)
  }

  /** Resolves when the change is on disk. */
  run<T>(run: () => T | WithStates<T>): Promise<T> {
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
      return
    }
    this.#checkpointWhenDue()
  }

  /** Completes or rejects all queued jobs. */
  close(): void {
    this.#closed = true
    this.#db.pragma(`busy_timeout = ${patience}`)
    this.flush()
  }

  /** Applies the log to the index without a job, at startup. Errors: those of ChangeLog.catchUp. */
  catchUp(): Position {
    return this.#transaction(() => ({ value: this.#caughtUp(), isLogged: false }))
  }

  /** Runs work without logging it, for a rebuild from the log. */
  fromLog<T>(work: () => T): T {
    return this.#touched.ignored(work)
  }

  /** Adopts the position of a new log, with the states of a store that was empty. At startup and offline. */
  adopt(make: () => { position: Position; states: readonly State[] }): void {
    this.#transaction(() => {
      const { position, states } = make()
      this.#positions.save(
        states.length === 0 ? position : this.#log.append(position, [encodeStates(states)], this.#now().getTime()),
      )
      return { value: undefined, isLogged: true }
    })
  }

  /** Syncs the index, so that a crash cannot revert committed changes. */
  syncIndex(): void {
    this.#db.pragma('synchronous = FULL')
    try {
      this.#transaction(() => {
        this.#positions.save(this.#demandPosition())
        return { value: undefined, isLogged: false }
      })
    } catch (cause) {
      if (isIndexFailure(cause)) this.#guard.trip(cause)
      throw cause
    } finally {
      this.#db.pragma('synchronous = NORMAL')
    }
  }

  #tryAgain(jobs: Job[]): void {
    this.#waiting = [...jobs, ...this.#waiting]
    this.#retry = setTimeout(() => this.flush(), 2 + Math.random() * 8)
  }

  #batch(jobs: Job[]): (() => void)[] {
    return this.#transaction(() => {
      const stored = this.#caughtUp()
      const { answers, metas, states, changes } = this.#settleAll(jobs, { withContent: stored.unlogged !== null })
      const { newPack, ...changed } = changes
      let position = { ...(newPack ? this.#log.begin(stored, {}) : stored), ...changed }
      if (metas.length > 0) position = this.#log.append(position, metas, this.#now().getTime())
      if (metas.length > 0 || Object.keys(changes).length > 0) this.#positions.save(position)
      this.#pages += jobs.length + states * pagesPerState
      return { value: answers, isLogged: metas.length > 0 }
    })
  }

  /**
   * After the log contains the changes, a failed commit has an unknown outcome: the next transaction replays the log.
   */
  #transaction<T>(work: () => { value: T; isLogged: boolean }): T {
    this.#begin.run()
    let result: { value: T; isLogged: boolean }
    try {
      result = work()
    } catch (cause) {
      this.#rollBack()
      throw cause
    }
    try {
      this.#commit.run()
      return result.value
    } catch (cause) {
      this.#rollBack()
      if (isIndexFailure(cause)) this.#guard.trip(cause)
      throw result.isLogged ? new UnknownOutcome(cause) : cause
    }
  }

  /** SQLite may have rolled back already. */
  #rollBack(): void {
    if (this.#db.inTransaction) this.#rollback.run()
  }

  #caughtUp(): Position {
    const stored = this.#demandPosition()
    const position = this.#log.catchUp(stored, (states) =>
      this.#touched.ignored(() => this.#writer.apply(states, this.#now().getTime())),
    )
    if (position !== stored) this.#positions.save(position)
    return position
  }

  #demandPosition(): Position {
    const stored = this.#positions.read()
    if (stored) return stored
    throw new StorageError('Unavailable', { message: 'The object index does not follow a log. Restart the server.' })
  }

  #settleAll(jobs: Job[], o: { withContent: boolean }): Answers {
    const all: Answers = { answers: [], metas: [], states: 0, changes: {} }
    for (const job of jobs) {
      try {
        const { value: returned, touched } = this.#touched.during(() => this.#attempt(job.run))
        const frames: (readonly State[])[] = touched ? [this.#reader.of(touched, o)] : []
        if (returned instanceof WithStates) {
          frames.push(...returned.frames)
          Object.assign(all.changes, returned.position)
        }
        const value = (returned instanceof WithStates ? returned.value : returned) as never
        all.answers.push(() => job.resolve(value))
        for (const states of frames) {
          all.states += states.length
          if (states.length > 0) all.metas.push(encodeStates(states))
        }
      } catch (error) {
        // An error of SQLite ends the batch, because it may have ended the transaction.
        if (!(error instanceof StorageError)) throw error
        all.answers.push(() => job.reject(error))
      }
    }
    return all
  }

  #checkpointWhenDue(): void {
    if (this.#pages >= checkpointAfter) this.checkpoint()
  }

  /**
   * Moves committed pages into the database file. Errors trip the guard. SQLite would not report those of an automatic
   * checkpoint.
   */
  checkpoint(): void {
    this.#pages = 0
    try {
      this.#db.pragma('wal_checkpoint(PASSIVE)')
    } catch (cause) {
      if (!isIndexBusy(cause)) this.#guard.trip(cause)
    }
  }
}
