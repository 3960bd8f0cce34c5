/**
 * A lock between processes: an SQLite file that its holder keeps in an exclusive transaction. Node has no flock. The
 * system drops this lock when its holder ends, however it ends, so no stale lock is left behind.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { isThere } from './cannot-open.ts'
import { makePrivate, openDatabaseFile } from './sqlite-file.ts'

export type Lock = { release(): void }

/**
 * Null while another process has it, after `patience` milliseconds during which this thread stands still.
 * Errors: those of opening the file.
 */
export function takeLock(file: string, { patience = 0 }: { patience?: number } = {}): Lock | null {
  makePrivate(file)
  const db = openDatabaseFile(file, { timeout: patience })
  try {
    // The file stays empty: there is nothing to roll back after a crash.
    db.pragma('journal_mode = memory')
    db.exec('BEGIN EXCLUSIVE')
    return { release: () => void db.close() }
  } catch (cause) {
    db.close()
    if (isBusy(cause)) return null
    throw cause
  }
}

/** Whether a process holds it now. Errors: those of opening the file. */
export function isLocked(file: string): boolean {
  if (!isThere(file)) return false
  const db = openDatabaseFile(file, { readonly: true, timeout: 0 })
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch (cause) {
    if (isBusy(cause)) return true
    throw cause
  } finally {
    db.close()
  }
}

/** Whether another process holds a lock of the database, here or in what caused the error. */
export function isBusy(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(cause.code)) return true
  return false
}

/** Milliseconds between two attempts, and between two lines that say so. */
const retryEvery = 50
const reportEvery = 30_000

/**
 * Runs `work` until no other process holds a lock that it needs, for `patience` milliseconds at most. `onWait` is called
 * before the first wait, and again every half minute. Rejects with the last error.
 */
export async function whileBusy<T>(
  work: () => T | Promise<T>,
  { patience, onWait }: { patience: number; onWait: () => void },
): Promise<T> {
  const giveUpAt = performance.now() + patience
  let reportAt = -Infinity
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= giveUpAt) throw error
    }
    if (performance.now() >= reportAt) {
      onWait()
      reportAt = performance.now() + reportEvery
    }
    await sleep(retryEvery)
  }
}
