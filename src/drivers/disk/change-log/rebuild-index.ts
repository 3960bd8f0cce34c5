/** `postern rebuild-index`: rebuilds the whole index from `objects/` alone. Deleted objects stay deleted. */
import { closeSync, lstatSync, openSync, readSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isThere } from '../../../cannot-open.ts'
import { StorageError } from '../../../errors.ts'
import { startDigests } from '../digests.ts'
import { syncFolderNow } from '../directory-sync.ts'
import { fileCalls, type LogCalls } from '../file-calls.ts'
import { storedObjects } from '../object-rows.ts'
import type { Index } from '../open-index.ts'
import { BlobLayout } from '../blob-layout.ts'
import { recountUsage } from '../quota/usage.ts'
import { openOffline, setAside } from './offline.ts'
import { readLog, type Gap } from './read-log.ts'
import { StateWriter } from './states.ts'
import { startOfStates } from './write-all.ts'

export type RebuiltIndex = {
  storeId: string
  frames: number
  objects: number
  uploads: number
  /** Unreadable parts of the log. Changes that only they contained are lost. */
  gaps: Gap[]
  /** Blobs whose file is missing or has another size. Their objects stay listed as damaged. */
  missingBlobs: string[]
  /** New path of the replaced index. */
  setAside: string | null
}

const besides = ['', '-wal', '-shm']

/**
 * Can be interrupted and run again. Errors: NotFound if there is no log, InvalidRequest if the log is incomplete and
 * `acceptIncomplete` is not set.
 */
export async function rebuildIndex(o: {
  root: string
  acceptIncomplete?: boolean
  calls?: LogCalls
  onFrame?: (frames: number) => void
  signal?: AbortSignal
}): Promise<RebuiltIndex> {
  const { root } = o
  const fresh = join(root, 'index.rebuilt.sqlite')
  for (const end of besides) rmSync(fresh + end, { force: true })
  const { db, log, queue, close } = await openOffline({ root, index: fresh, ...(o.calls && { calls: o.calls }) })
  let result: RebuiltIndex
  try {
    const reading = queue.fromLog(() => replayAll(root, db, o))
    if (!reading) {
      throw new StorageError('NotFound', {
        message: `There is no log in ${root}/objects/log to rebuild the index from. If the index is intact, postern rebuild-log writes the log.`,
      })
    }
    if (!reading.isWhole && !o.acceptIncomplete) {
      throw new StorageError('InvalidRequest', {
        message:
          'The log is incomplete: the store was still being converted, or packs are missing. Objects that only the index ' +
          'had would not be in the new index. Restore a backup, or add --accept-incomplete to rebuild what the log has.',
      })
    }
    queue.fromLog(() => settle(db, root))
    const { header } = reading.packs.at(-1)!
    const { pack: _, ...end } = reading.end
    const epoch = Math.max(...reading.packs.map((pack) => pack.header.epoch)) + 1
    const isHurt = reading.gaps.length > 0 || !reading.isWhole
    // The lost frames may include the generation, and this command accepts their loss.
    if (isHurt) queue.fromLog(() => db.exec('DELETE FROM paired'))
    const position = {
      ...end,
      store: header.store,
      epoch: header.epoch,
      pack: header.number,
      frame: 0,
      firstPack: reading.packs[0]!.header.number,
      unlogged: isHurt ? startOfStates : null,
    }
    queue.adopt(() => ({ position: log.begin(position, { epoch }), states: [] }))
    const count = (table: string): number => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number
    result = {
      storeId: header.store,
      frames: reading.frames,
      objects: count('objects'),
      uploads: count('uploads'),
      gaps: reading.gaps,
      missingBlobs: missingBlobs(db, root),
      setAside: null,
    }
  } catch (cause) {
    close()
    for (const end of besides) rmSync(fresh + end, { force: true })
    throw cause
  }
  close()
  const index = new BlobLayout(root).index
  const aside = setAside(
    root,
    'index',
    besides.map((end) => index + end),
  )
  renameSync(fresh, index)
  syncFolderNow(root)
  return { ...result, setAside: aside }
}

function replayAll(
  root: string,
  db: Index,
  o: { calls?: LogCalls; onFrame?: (frames: number) => void; signal?: AbortSignal },
): ReturnType<typeof readLog> {
  const writer = new StateWriter(db)
  const calls = { ...fileCalls, ...o.calls }
  const now = Date.now()
  // The index need not be durable before it is complete.
  db.pragma('synchronous = OFF')
  const run = db.transaction(() => {
    let frames = 0
    return readLog(
      root,
      (states) => {
        writer.apply(states, now)
        if (++frames % 1000 === 0) {
          o.signal?.throwIfAborted()
          o.onFrame?.(frames)
        }
      },
      { calls },
    )
  })
  const reading = run()
  db.pragma('synchronous = FULL')
  return reading
}

const inUse = `(id IN (SELECT content FROM ${storedObjects} WHERE parts = 0) OR id IN (SELECT blob FROM segments)
  OR id IN (SELECT blob FROM parts))`

/**
 * Derives the rest from the states: garbage marks, removal of unneeded parts and lists, and of rows of deleted blobs.
 */
function settle(db: Index, root: string): void {
  db.transaction(() => {
    db.exec(`DELETE FROM segments WHERE content NOT IN (SELECT content FROM ${storedObjects} WHERE parts > 0)`)
    db.exec('DELETE FROM parts WHERE upload NOT IN (SELECT id FROM uploads WHERE completed_at IS NULL)')
    recountUsage(db)
    restoreBlobRows(db, root)
    db.exec(`UPDATE blobs SET garbage_since = NULL WHERE garbage_since IS NOT NULL AND ${inUse}`)
    db.prepare(`UPDATE blobs SET garbage_since = ? WHERE garbage_since IS NULL AND NOT ${inUse}`).run(Date.now())
    const forget = db.prepare<[string]>('DELETE FROM blobs WHERE id = ?')
    const garbage = db.prepare<[], string>('SELECT id FROM blobs WHERE garbage_since IS NOT NULL').pluck().all()
    const layout = new BlobLayout(root)
    for (const id of garbage) if (!isThere(layout.path(id))) forget.run(id)
  }).immediate()
}

/** Restores the row of a blob whose frame was lost, if the file's MD5 is the ETag of the object. */
function restoreBlobRows(db: Index, root: string): void {
  const lost = db
    .prepare<[], { content: string; etag: string; size: number }>(
      `SELECT DISTINCT content, etag, size FROM ${storedObjects}
        WHERE parts = 0 AND content NOT IN (SELECT id FROM blobs)`,
    )
    .all()
  const layout = new BlobLayout(root)
  const add = db.prepare<[string, number, Buffer]>('INSERT OR IGNORE INTO blobs (id, size, sums) VALUES (?, ?, ?)')
  for (const { content, etag, size } of lost) {
    const path = layout.path(content)
    if (!isThere(path) || lstatSync(path).size !== size) continue
    const { md5, sums } = digestsOf(path)
    if (md5.toString('hex') === etag) add.run(content, size, sums)
  }
}

function digestsOf(path: string): { md5: Buffer; sums: Buffer } {
  const fd = openSync(path, 'r')
  try {
    const digests = startDigests({ sha256: false })
    const buffer = Buffer.allocUnsafe(1024 * 1024)
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer))
      digests.update(buffer.subarray(0, read))
    return digests.finish()
  } finally {
    closeSync(fd)
  }
}

function missingBlobs(db: Index, root: string): string[] {
  const rows = db
    .prepare<[], { id: string; size: number }>('SELECT id, size FROM blobs WHERE garbage_since IS NULL')
    .all()
  const layout = new BlobLayout(root)
  return rows
    .filter(({ id, size }) => {
      const path = layout.path(id)
      return !isThere(path) || lstatSync(path).size !== size
    })
    .map(({ id }) => id)
}
