/** The file of an SQLite database: made private, and opened. */
import { chmodSync, closeSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'

/** Errors: those of SQLite, and that of the file system where the folder cannot be looked at. */
export function openDatabaseFile(file: string, options?: Database.Options): Database.Database {
  try {
    return new Database(file, options)
  } catch (cause) {
    // The package takes any error of looking at the folder for its absence, and names no code.
    if (!(cause instanceof TypeError)) throw cause
    statSync(dirname(file))
    return new Database(file, options)
  }
}

/**
 * Makes the file, readable to its owner alone: SQLite would let everybody read it. Its -wal and -shm take over the mode.
 * A file that exists is never opened here: a system drops the locks of a process on a file when the process closes any
 * handle to it, and other processes would then see a database that nobody uses.
 */
export function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    const { mode, uid } = statSync(file)
    if ((mode & 0o077) !== 0 && uid === process.geteuid?.()) chmodSync(file, 0o600)
  }
}
