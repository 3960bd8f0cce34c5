/**
 * Executes lifecycle rules, deletes garbage after its grace period and abandoned temporary files, and moves orphans to
 * quarantine. Nothing is deleted while the clock is not steady.
 */
import { join } from 'node:path'
import { orphanLimit } from '../driver.ts'
import type { DiskContext } from './context.ts'
import { errorCode } from './file-calls.ts'
import { Lifecycle } from './lifecycle/run-lifecycle.ts'
import type { DiskLog } from './log.ts'
import type { Index } from './open-index.ts'
import {
  countOrphans,
  expireQuarantine,
  findOrphans,
  mayTake,
  putBackKnown,
  QuarantineSet,
  tooManyOrphans,
  type OrphanSearch,
} from './orphans.ts'
import { forgetDeadWriters, liveWriters } from './writers.ts'

export type SweepTimes = {
  /** Seconds for which a blob stays after its last row, so that readers in other processes can finish. */
  grace: number
  /** Seconds without a change after which a temporary file of another process counts as abandoned. */
  abandonedAfter: number
  /** Seconds for which orphans are kept in quarantine. */
  keepOrphans: number
}

/** Seconds for which CompleteMultipartUpload can be repeated. */
const rememberCompleted = 24 * 3600
const batch = 500

export class Sweeper {
  readonly #ctx: DiskContext
  readonly #log: DiskLog
  readonly #times: SweepTimes
  readonly #mayDelete: () => boolean
  readonly #garbage
  readonly #known
  readonly #lifecycle: Lifecycle
  #stopped = false

  constructor(
    ctx: DiskContext,
    db: Index,
    { log, times, mayDelete }: { log: DiskLog; times: SweepTimes; mayDelete: () => boolean },
  ) {
    this.#ctx = ctx
    this.#log = log
    this.#times = times
    this.#mayDelete = mayDelete
    this.#garbage = db
      .prepare<[number, string, number], string>(
        'SELECT id FROM blobs WHERE garbage_since <= ? AND id > ? ORDER BY id LIMIT ?',
      )
      .pluck()
    this.#lifecycle = new Lifecycle(ctx, db, () => this.#stopped || !mayDelete())
    this.#known = db.prepare<[string], { known: 1 }>('SELECT 1 AS known FROM blobs WHERE id = ?')
  }

  stop(): void {
    this.#stopped = true
  }

  async all(): Promise<number> {
    await this.lifecycle()
    return this.files()
  }

  /** Abandoned temporary files, garbage and orphans. */
  async files(): Promise<number> {
    const temp = this.#mayDelete() ? await this.tempFiles(this.#times.abandonedAfter) : 0
    return temp + (await this.garbage()) + (await this.orphans())
  }

  /** What the rules of buckets have expired. Their bytes are garbage from then on. */
  async lifecycle(): Promise<void> {
    if (!this.#mayDelete()) return
    const counts = await this.#lifecycle.run()
    if (Object.values(counts).some((count) => count > 0)) this.#log.info(counts, 'lifecycle rules expired objects')
  }

  async garbage(): Promise<number> {
    const { queue, uploads, garbage, now } = this.#ctx
    const at = now().getTime()
    await queue.run(() => uploads.forgetCompleted(at - rememberCompleted * 1000))
    let removed = 0
    for (let after = ''; !this.#stopped && this.#mayDelete();) {
      const ids = this.#garbage.all(at - this.#times.grace * 1000, after, batch)
      if (ids.length === 0) break
      after = ids.at(-1)!
      const free = await garbage.removeUnread(ids)
      if (free === null) break
      removed += free.length
    }
    return removed
  }

  /** Handles blobs of a crash between rename and commit. Resolves to the number of blobs moved to quarantine. */
  async orphans(): Promise<number> {
    const { blobs, calls, now } = this.#ctx
    const root = blobs.layout.root
    const place = { root, calls }
    const isKnown = (id: string): boolean => this.#known.get(id) !== undefined
    const isStopped = (): boolean => this.#stopped
    const restored = await putBackKnown(place, isKnown)
    if (restored > 0)
      this.#log.warn({ restored }, 'moved blobs back from quarantine, because the index has their rows again')
    const search = { ...place, isKnown, isRunning: (id: string) => blobs.running.has(id), isStopped }
    const moved = await this.#setAside({ ...search, grace: this.#times.grace })
    if (this.#mayDelete()) {
      const expiry = { keepFor: this.#times.keepOrphans, now: now(), isKnown, isStopped }
      const removed = await expireQuarantine(place, expiry)
      if (removed > 0) this.#log.info({ removed }, 'deleted orphaned blobs that expired in quarantine')
      forgetDeadWriters(root)
    }
    return moved
  }

  async #setAside(search: OrphanSearch): Promise<number> {
    const count = await countOrphans(search)
    if (count.orphans === 0 || this.#stopped) return 0
    if (!mayTake(count)) {
      const { blobs, orphans } = count
      this.#log.error({ blobs, orphans, limit: orphanLimit(blobs) }, tooManyOrphans(count, search.root))
      return 0
    }
    const set = new QuarantineSet(search, { by: 'serve', now: this.#ctx.now() })
    let moved = 0
    try {
      for await (const found of findOrphans(search)) moved += await set.add(found)
    } finally {
      await set.close()
      if (moved > 0) {
        const keptFor = this.#times.keepOrphans
        this.#log.warn({ moved, set: set.name, keptFor }, 'moved blobs that no object refers to into quarantine')
      }
    }
    return moved
  }

  /** `olderThan` in seconds: 0 at startup of the only process that writes here. */
  async tempFiles(olderThan: number): Promise<number> {
    const { blobs } = this.#ctx
    const isOfLiveWriter = liveWriters(blobs.layout.root)
    let removed = 0
    for (const entry of await this.#ctx.calls.readdir(blobs.layout.temp)) {
      if (this.#stopped) break
      const path = join(blobs.layout.temp, entry.name)
      if (entry.isDirectory() || blobs.running.has(entry.name)) continue
      if (!entry.name.startsWith(blobs.writer.id) && isOfLiveWriter(entry.name)) continue
      if (!(await this.#isOlder(path, olderThan))) continue
      await blobs.removePath(path)
      removed++
    }
    if (removed > 0) this.#log.info({ removed }, 'deleted temporary files of unfinished uploads')
    return removed
  }

  /** Compares with the file system's clock, which set the time of the file. A rename counts as a change. */
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
