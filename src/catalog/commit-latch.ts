/**
 * Closes after a failed sync. The kernel may drop the data that it could not write and report success for the next
 * sync, so that later commits would not be durable. A restart reads what the disk really contains.
 */
import Database from 'better-sqlite3'
import { StorageError } from '../errors.ts'

export class CommitLatch {
  #failed: unknown

  /** Throws Unavailable once it is closed. */
  assertSound(): void {
    if (this.#failed === undefined) return
    throw new StorageError('Unavailable', {
      message: 'the catalog could not be made durable. Changes are refused until the server is restarted',
      cause: this.#failed,
    })
  }

  /**
   * Call this for every write error. Missing space or quota does not close the latch, because it fails before the sync.
   */
  report(cause: unknown): void {
    const isFailure =
      cause instanceof Database.SqliteError && /^SQLITE_IOERR(?!_WRITE|_READ|_SHORT_READ)/.test(cause.code)
    if (isFailure) this.#failed ??= cause
  }
}
