/**
 * Closed by a sync that failed: the kernel may have dropped what it could not write and report success the next time,
 * so that no later commit could be believed. A restart reads back what is really there.
 */
import Database from 'better-sqlite3'
import { StorageError } from '../errors.ts'

export class CommitLatch {
  #failed: unknown

  /** Throws Unavailable once it is closed. */
  assertSound(): void {
    if (this.#failed === undefined) return
    throw new StorageError('Unavailable', {
      message: 'the catalog could not be made durable; changes are refused until the server is restarted',
      cause: this.#failed,
    })
  }

  /** Hears of every error of a write. A write without space or quota is none that closes it: it comes before the sync. */
  hear(cause: unknown): void {
    const isFailure =
      cause instanceof Database.SqliteError && /^SQLITE_IOERR(?!_WRITE|_READ|_SHORT_READ)/.test(cause.code)
    if (isFailure) this.#failed ??= cause
  }
}
