/** Removes what nothing refers to: garbage after its grace, orphans of a crash, abandoned temporary files. */
import { dirname, join } from 'node:path'
import { blobIdPattern } from './blob-store.ts'
import type { DiskContext } from './context.ts'
import { errorCode } from './file-calls.ts'
import { isHeld } from './holds.ts'
import type { DiskLog } from './log.ts'
import type { Index } from './open-index.ts'

export type SweepTimes = {
  /** Seconds a blob outlives its last row, so that readers in other processes come to their end. */
  grace: number
  /** Seconds without a change after which a temporary file of another process counts as left behind. */
  abandonedAfter: number
}

/** Seconds for which the answer to a completed multipart upload can be repeated. */
const rememberCompleted = 24 * 3600
const batch = 500

export class Sweeper {
  readonly #ctx: DiskContext
  readonly #log: DiskLog
  readonly #times: SweepTimes
  readonly #garbage
  readonly #forget
  readonly #known
  #stopped = false

  constructor(ctx: DiskContext, db: Index, log: DiskLog, times: SweepTimes) {
    this.#ctx = ctx
    this.#log = log
    this.#times = times
    this.#garbage = db
      .prepare<[number, string, number], string>(
        'SELECT id FROM blobs WHERE garbage_since <= ? AND id > ? ORDER BY id LIMIT ?',
      )
      .pluck()
    this.#forget = db.prepare<[string]>('DELETE FROM blobs WHERE id = ? AND garbage_since IS NOT NULL')
    this.#known = db.prepare<[string], { known: 1 }>('SELECT 1 AS known FROM blobs WHERE id = ?')
  }

  stop(): void {
    this.#stopped = true
  }

  async all(): Promise<number> {
    const temp = await this.tempFiles(this.#times.abandonedAfter)
    return temp + (await this.garbage()) + (await this.orphans())
  }

  /** The file first, then its row: after a crash between the two the row is still there to be tried again. */
  async garbage(): Promise<number> {
    const { queue, uploads, peers, readers, blobs, descriptors, now } = this.#ctx
    const at = now().getTime()
    await queue.run(() => uploads.forgetCompleted(at - rememberCompleted * 1000))
    let removed = 0
    for (let after = ''; !this.#stopped;) {
      const ids = this.#garbage.all(at - this.#times.grace * 1000, after, batch)
      // Asked after they were chosen: see holds.ts.
      if (ids.length === 0 || (await isHeld(dirname(blobs.objects)))) break
      after = ids.at(-1)!
      // No row leads to them any more: who does not read one now will not begin to.
      const unread = ids.filter((id) => !readers.has(id))
      const readByPeers = new Set((await peers.ask<string[]>('disk.reading', unread)).flat())
      const free = unread.filter((id) => !readByPeers.has(id) && !readers.has(id))
      for (const id of free) {
        descriptors.forget(id)
        await blobs.remove(id)
      }
      await queue.run(() => free.forEach((id) => this.#forget.run(id)))
      removed += free.length
    }
    return removed
  }

  /** Files of a crash between rename and commit. What is no blob by its name is somebody else's, and stays. */
  async orphans(): Promise<number> {
    const { objects } = this.#ctx.blobs
    let removed = 0
    for (const outer of await this.#folders(objects))
      for (const inner of await this.#folders(join(objects, outer)))
        removed += await this.#orphansIn(join(objects, outer, inner))
    if (removed > 0) this.#log.info({ removed }, 'removed blobs that no object refers to')
    return removed
  }

  /** `olderThan` in seconds: 0 at the start of the one process that writes here. */
  async tempFiles(olderThan: number): Promise<number> {
    const { blobs } = this.#ctx
    let removed = 0
    for (const entry of await this.#ctx.calls.readdir(blobs.temp)) {
      if (this.#stopped) break
      const path = join(blobs.temp, entry.name)
      if (entry.isDirectory() || blobs.running.has(entry.name) || !(await this.#isOlder(path, olderThan))) continue
      await blobs.removePath(path)
      removed++
    }
    if (removed > 0) this.#log.info({ removed }, 'removed temporary files of unfinished uploads')
    return removed
  }

  async #orphansIn(folder: string): Promise<number> {
    const { blobs, calls } = this.#ctx
    let removed = 0
    for (const { name } of this.#stopped ? [] : await calls.readdir(folder)) {
      if (this.#stopped) break
      if (!blobIdPattern.test(name) || blobs.running.has(name) || this.#known.get(name)) continue
      if (!(await this.#isOlder(join(folder, name), this.#times.grace))) continue
      // Asked again: the row may have come while its age was looked up.
      if (blobs.running.has(name) || this.#known.get(name)) continue
      await blobs.removePath(join(folder, name))
      removed++
    }
    return removed
  }

  async #folders(path: string): Promise<string[]> {
    if (this.#stopped) return []
    const entries = await this.#ctx.calls.readdir(path)
    return entries.filter((entry) => entry.isDirectory() && /^[0-9a-f]{2}$/.test(entry.name)).map(({ name }) => name)
  }

  /** By the file system's own clock, which stamped the file. A rename counts as a change. */
  async #isOlder(path: string, seconds: number): Promise<boolean> {
    if (seconds <= 0) return true
    try {
      const { mtimeMs, ctimeMs } = await this.#ctx.calls.lstat(path)
      return Date.now() - Math.max(mtimeMs, ctimeMs) >= seconds * 1000
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') return false
      throw cause
    }
  }
}
