import { closeSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { keyLock } from '../lock-files.ts'
import { openPrivate, refused, toFileProblem } from './private-file.ts'

/**
 * Runs `change` while no other process changes the keys of this folder. The lock is SQLite's, on a file that stays
 * empty: it ends with the process that holds it, however that ends, so that no stale lock is ever in the way.
 * Errors: ConfigError when the lock cannot be had within `patience` milliseconds.
 */
export async function withKeyLock<T>(folder: string, change: () => T, patience = 10_000): Promise<T> {
  const { default: Database } = await import('better-sqlite3')
  const path = keyLock(folder)
  const locked = takeLock()
  try {
    return change()
  } finally {
    locked.close()
  }

  function takeLock(): { close(): unknown } {
    let lock: InstanceType<typeof Database> | undefined
    try {
      mkdirSync(dirname(path), { recursive: true })
      closeSync(openPrivate(path, 'a', path))
      lock = new Database(path, { timeout: patience })
      lock.pragma('journal_mode = memory')
      lock.exec('BEGIN IMMEDIATE')
      return lock
    } catch (cause) {
      lock?.close()
      const busy = (cause as { code?: string }).code === 'SQLITE_BUSY'
      throw busy
        ? refused(path, 'another command is changing the keys. Try again when it is done.')
        : toFileProblem(path, cause)
    }
  }
}
