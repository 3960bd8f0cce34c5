/**
 * Whether the store is what its index says, beside a server that runs or without one. Nothing is written unless `repair`
 * is asked for; the folder is not made where it is missing.
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
  /** Seconds for which a blob without a row may belong to a running write; for temporary files `tempGrace`. */
  grace: number
  tempGrace: number
  /** `--yes-delete`: orphans that may go although they are more than a run takes by itself. */
  allowed?: number
  report: Report
  /** Told once, before the blobs. */
  onTotal?: (total: { blobs: number; bytes: number }) => void
  signal: AbortSignal
  /** For tests of faults. */
  calls?: Partial<FileCalls>
}

/** Errors: NotFound where there is no store, Unavailable where its index cannot be read. */
export async function verifyStore(o: VerifyStoreOptions): Promise<void> {
  const file = new BlobLayout(o.path).index
  if (!isThere(file)) {
    throw new StorageError('NotFound', {
      message: `There is no store at ${o.path}: no index.sqlite. Name its folder with --storage.`,
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

/** Errors: Unavailable for an index of another version: bringing it up to date would be a change. */
export function openToRead(file: string): Index {
  const { db, found } = openVersioned(file)
  if (found === schemaVersion) return db
  db.close()
  throw new StorageError('Unavailable', {
    message:
      `The object index has schema version ${found}, this program knows ${schemaVersion}. ` +
      'Start the server of this version once, which brings it up to date; or run the version that wrote it.',
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
