/**
 * Checks that the store matches its index, with or without a running server. Nothing is written unless `repair` is set.
 * A missing folder is not created.
 */
import { realpath } from 'node:fs/promises'
import { openDatabaseFile } from '../../../sqlite-file.ts'
import { isThere } from '../../../cannot-open.ts'
import { StorageError } from '../../../errors.ts'
import type { Report } from '../../verify-problems.ts'
import { fileCalls, type FileCalls } from '../file-calls.ts'
import { schemaVersion, type Index } from '../open-index.ts'
import { toStorageError } from '../store-error.ts'
import { verifyBlobs } from './blobs.ts'
import type { VerifyContext } from './context.ts'
import { prepareDigests, verifyDigests } from './digests.ts'
import { openOffline, type Offline } from '../change-log/offline.ts'
import { verifyLog } from './log.ts'
import { verifyLeftovers } from './leftovers.ts'
import { verifyRows } from './rows.ts'
import { BlobLayout } from '../blob-layout.ts'

export type VerifyStoreOptions = {
  path: string
  deep: boolean
  repair: boolean
  /**
   * Seconds for which a blob without a row may belong to a running write. `tempGrace` is the same for temporary files.
   */
  grace: number
  tempGrace: number
  /** `--yes-delete`: the number of orphans that may be removed although it is over the default limit. */
  allowed?: number
  report: Report
  /** Called once, before the blobs are checked. */
  onTotal?: (total: { blobs: number; bytes: number }) => void
  signal: AbortSignal
  /** For tests of faults. */
  calls?: Partial<FileCalls>
}

/** Errors: NotFound if there is no store, Unavailable if its index cannot be read. */
export async function verifyStore(o: VerifyStoreOptions): Promise<void> {
  const file = new BlobLayout(o.path).index
  if (!isThere(file)) {
    throw new StorageError('NotFound', {
      message: `There is no store at ${o.path}: index.sqlite is missing. Give the store's folder with --storage.`,
    })
  }
  let db: Index | undefined
  let offline: Offline | null = null
  try {
    const root = await realpath(o.path)
    // Repairs go through the log, like every change.
    offline = o.repair ? await openOffline({ root, index: file }) : null
    offline?.queue.catchUp()
    db = offline?.db ?? openToRead(file)
    const ctx: VerifyContext = { ...o, db, queue: offline?.queue ?? null, root, layout: new BlobLayout(root) }
    await verifyRows(ctx, { logKnowsMore: verifyLog(ctx) })
    o.onTotal?.(total(db))
    if (o.deep) prepareDigests(ctx)
    await verifyBlobs(ctx)
    if (o.deep) verifyDigests(ctx)
    await verifyLeftovers(ctx, { ...o, calls: { ...fileCalls, ...o.calls } })
  } catch (cause) {
    throw toStorageError(cause, { index: file })
  } finally {
    if (offline) offline.close()
    else db?.close()
  }
}

const total = (db: Index): { blobs: number; bytes: number } =>
  db
    .prepare('SELECT count(*) AS blobs, coalesce(sum(size), 0) AS bytes FROM blobs WHERE garbage_since IS NULL')
    .get() as { blobs: number; bytes: number }

/** Errors: Unavailable for an index of another version, because an upgrade would change it. */
export function openToRead(file: string): Index {
  const { db, found } = openVersioned(file)
  if (found === schemaVersion) return db
  db.close()
  throw new StorageError('Unavailable', {
    message:
      `The object index has schema version ${found}, and this program supports ${schemaVersion}. ` +
      'Start the server of this version once to upgrade the index, or run the version that wrote it.',
  })
}

function openVersioned(file: string): { db: Index; found: number } {
  let db: Index | undefined
  try {
    db = openDatabaseFile(file, { readonly: true, timeout: 5000 })
    return { db, found: Number(db.pragma('user_version', { simple: true })) }
  } catch (cause) {
    db?.close()
    throw toStorageError(cause, { index: file })
  }
}
