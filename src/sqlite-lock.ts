/**
 * A lock between processes: an SQLite file in an exclusive transaction. Node has no flock. The system releases the lock when
 * its holder exits or crashes, so no stale lock remains.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { isThere } from './cannot-open.ts'
import { makePrivate, openDatabaseFile } from './sqlite-file.ts'

export type Lock = { release(): void }

/**
 * Null if another process holds the lock after `patience` milliseconds. Blocks this thread meanwhile.
 * Errors: those of opening the file.
 */
export function takeLock(file: string, { patience = 0 }: { patience?: number } = {}): Lock | null {
  makePrivate(file)
  const db = openDatabaseFile(file, { timeout: patience })
  try {
    // The file stays empty, so there is nothing to roll back after a crash.
    db.pragma('journal_mode = memory')
    db.exec('BEGIN EXCLUSIVE')
    return { release: () => void db.close() }
  } catch (cause) {
    db.close()
    if (isBusy(cause)) return null
    throw cause
  }
}

/** Whether a process holds the lock now. Errors: those of opening the file. */
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

/** Whether the error, or one of its causes, is that another process has locked the database. */
export function isBusy(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(cause.code)) return true
  return false
}

/** Milliseconds between two attempts, and between two calls of `onWait`. */
const retryEvery = 50
const reportEvery = 30_000

/**
 * Retries `work` while another process holds a lock that it needs, for at most `patience` milliseconds. Calls `onWait`
 * before the first wait and then every 30 s. Errors: the last one of `work`.
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
