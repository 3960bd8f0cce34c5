/** Creates and opens the file of an SQLite database. */
import { chmodSync, closeSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'

/** Errors: those of SQLite, and that of the file system if the folder cannot be accessed. */
export function openDatabaseFile(file: string, options?: Database.Options): Database.Database {
  try {
    return new Database(file, options)
  } catch (cause) {
    // better-sqlite3 reports every error of the folder as a missing folder, without a code. statSync throws the real one.
    if (!(cause instanceof TypeError)) throw cause
    statSync(dirname(file))
    return new Database(file, options)
  }
}

/**
 * Creates the file with mode 0600, because SQLite would let all users read it. SQLite uses the same mode for -wal and -shm.
 * Must not open an existing file: POSIX drops all locks of a process on a file when the process closes any handle to it,
 * and other processes would then take the database for unused.
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
