import { closeSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolders } from '../cannot-open.ts'
import { keyLock } from '../lock-files.ts'
import { openPrivate, refused, toFileProblem } from './private-file.ts'

/**
 * Runs `change` while no other process changes the keys of this folder. Uses SQLite's lock on an empty file, which the
 * operating system releases when the process exits, so that no stale lock remains.
 * Errors: ConfigError if the lock is not free within `patience` milliseconds.
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
      makeFolders(dirname(path))
      closeSync(openPrivate(path, 'a', path))
      lock = new Database(path, { timeout: patience })
      lock.pragma('journal_mode = memory')
      lock.exec('BEGIN IMMEDIATE')
      return lock
    } catch (cause) {
      lock?.close()
      const busy = (cause as { code?: string }).code === 'SQLITE_BUSY'
      throw busy
        ? refused(path, 'another command is changing the keys. Retry when it has finished.')
        : toFileProblem(path, cause)
    }
  }
}
