/** Opens a store that no server uses, for the commands that rebuild a part of it from the others. */
import { mkdirSync, renameSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { BlobLayout } from '../blob-layout.ts'
import { CommitQueue } from '../commit-queue.ts'
import { fileCalls, type LogCalls } from '../file-calls.ts'
import { silent } from '../log.ts'
import { openIndex, type Index } from '../open-index.ts'
import { toStorageError } from '../store-error.ts'
import { WriteGuard } from '../write-guard.ts'
import { ChangeLog } from './change-log.ts'

/** Errors of `close`: Unavailable if the index cannot become a single file. */
export type Offline = { db: Index; log: ChangeLog; queue: CommitQueue; close(): void }

export async function openOffline(o: { root: string; index: string; calls?: LogCalls }): Promise<Offline> {
  const { root } = o
  const calls = { ...fileCalls, ...o.calls }
  const { log: logFolder, temp } = new BlobLayout(root)
  for (const folder of [logFolder, temp]) await mkdir(folder, { recursive: true })
  const guard = new WriteGuard({ calls, root, minFree: 0, log: silent })
  const db = openIndex(o.index)
  try {
    // If a server is running, wait for its writes.
    db.pragma('busy_timeout = 5000')
    const log = new ChangeLog({ root, calls, guard, fsync: true })
    const queue = new CommitQueue({ db, guard, log, now: () => new Date() })
    return {
      db,
      log,
      queue,
      close() {
        log.close()
        try {
          // Write the WAL into the file, because the file is about to be moved or copied.
          db.pragma('wal_checkpoint(TRUNCATE)')
        } catch (cause) {
          throw toStorageError(cause, { index: o.index })
        } finally {
          db.close()
        }
      },
    }
  } catch (cause) {
    db.close()
    throw cause
  }
}

/** Moves replaced files to `quarantine/` instead of deleting them. Returns the folder. */
export function setAside(
  root: string,
  name: string,
  paths: readonly string[],
  calls: LogCalls = fileCalls,
): string | null {
  const there = paths.filter((path) => calls.statSync(path) !== undefined)
  if (there.length === 0) return null
  const folder = join(new BlobLayout(root).quarantine, `${name}-${new Date().toISOString().replaceAll(':', '-')}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const path of there) renameSync(path, join(folder, basename(path)))
  return folder
}
