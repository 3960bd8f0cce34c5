/**
 * Group commit: the jobs that wait when the loop comes round share one transaction and one sync of the log, and hold up
 * the loop once. The order is: run the jobs, append their states to the log, sync it (the commit point), commit the index.
 */
import { StorageError } from '../../errors.ts'
import type { ChangeLog } from './change-log/change-log.ts'
import { Positions, type Position } from './change-log/position.ts'
import { encodeStates, StateReader, StateWriter, type State } from './change-log/states.ts'
import { TouchedRows } from './change-log/touched.ts'
import type { Index } from './open-index.ts'
import { isIndexBusy, isIndexFailure, UnknownOutcome } from './store-error.ts'
import type { WriteGuard } from './write-guard.ts'

/** Reads and writes the index; throws a StorageError to refuse, in which case nothing of it remains. */
type Job = { run: () => unknown; resolve: (value: never) => void; reject: (reason: unknown) => void; giveUpAt: number }

type Answers = { answers: (() => void)[]; metas: Buffer[]; states: number; changes: PositionChanges }

/** What a job returns that adds states which none of its rows changed. */
export class WithStates<T> {
  readonly value: T
  /** One frame each. */
  readonly frames: readonly (readonly State[])[]
  readonly position: PositionChanges

  constructor(value: T, frames: readonly (readonly State[])[], position: PositionChanges = {}) {
    this.value = value
    this.frames = frames
    this.position = position
  }
}

/** `newPack`: the frames of this commit begin a pack. */
type PositionChanges = Partial<Pick<Position, 'unlogged' | 'firstPack'>> & { newPack?: boolean }

/**
 * Milliseconds for which jobs are tried again while another process writes. SQLite's own waiting holds up the loop, so
 * there is little of it (open-index.ts); none of a busy transaction has happened.
 */
const patience = 5000

/** Pages in the WAL after which they are moved into the database file, by a rough count. */
const checkpointAfter = 1000
/** Pages that a change of one row dirties, with its indexes. */
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
    // Inside another transaction this is a savepoint: a refused job undoes its own changes alone.
    this.#attempt = db.transaction((run: () => unknown) => run())
    this.#begin = db.prepare('BEGIN IMMEDIATE')
    this.#commit = db.prepare('COMMIT')
    this.#rollback = db.prepare('ROLLBACK')
    this.#positions = new Positions(db)
    this.#touched = new TouchedRows(db)
    this.#reader = new StateReader(db)
    this.#writer = new StateWriter(db)
  }

  /** Resolves when the change is on the disk. */
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

  /** What waits is done or refused. */
  close(): void {
    this.#closed = true
    this.#db.pragma(`busy_timeout = ${patience}`)
    this.flush()
  }

  /** Brings the index up to the log without a job: at the start. Errors: those of ChangeLog.catchUp. */
  catchUp(): Position {
    return this.#transaction(() => ({ value: this.#caughtUp(), isLogged: false }))
  }

  /** For a rebuild: what is written from the log is not logged again. */
  fromLog<T>(work: () => T): T {
    return this.#touched.ignored(work)
  }

  /** A position that the log has begun anew, with the states of a store that was empty. At the start, and offline. */
  adopt(make: () => { position: Position; states: readonly State[] }): void {
    this.#transaction(() => {
      const { position, states } = make()
      this.#positions.save(
        states.length === 0 ? position : this.#log.append(position, [encodeStates(states)], this.#now().getTime()),
      )
      return { value: undefined, isLogged: true }
    })
  }

  /** Syncs the index, so that it cannot fall back behind what was committed. */
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

  /** Once the log holds the changes, a commit that fails leaves an unknown outcome: the next transaction replays it. */
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

  /** SQLite may have rolled back by itself. */
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
        // An error of SQLite itself ends the batch: the transaction may be gone.
        if (!(error instanceof StorageError)) throw error
        all.answers.push(() => job.reject(error))
      }
    }
    return all
  }

  #checkpointWhenDue(): void {
    if (this.#pages >= checkpointAfter) this.checkpoint()
  }

  /** Moves committed pages into the database file. Errors trip the guard: SQLite would hide those of an automatic one. */
  checkpoint(): void {
    this.#pages = 0
    try {
      this.#db.pragma('wal_checkpoint(PASSIVE)')
    } catch (cause) {
      if (!isIndexBusy(cause)) this.#guard.trip(cause)
    }
  }
}
