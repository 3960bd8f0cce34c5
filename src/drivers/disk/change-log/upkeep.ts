/**
 * Keeps the log complete and short, in the process that runs the sweep. Writes the states that a converted store has
 * not logged yet. Rewrites all states when the log is several times as large as the index, and then deletes the packs
 * that are no longer needed.
 */
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CommitQueue } from '../commit-queue.ts'
import { syncFolderNow } from '../directory-sync.ts'
import { errorCode, type LogCalls } from '../file-calls.ts'
import { isHeld } from '../holds.ts'
import type { DiskLog } from '../log.ts'
import type { Index } from '../open-index.ts'
import { packNumbers, packPath, packSize } from './pack.ts'
import { Positions } from './position.ts'
import { StatePages } from './write-all.ts'

/** Milliseconds. */
const lookEvery = 600_000
/** Milliseconds between two pages, so that writes of clients come first. */
const pause = 20
/** Maximum size of the log as a multiple of the index size, and the size in bytes below which it is never rewritten. */
const tolerated = 4
const smallest = 2 * packSize

/** Windows cannot delete a file that a process has open. */
const inUse = new Set(['EBUSY', 'EPERM', 'EACCES'])

export type UpkeepOptions = { root: string; db: Index; queue: CommitQueue; calls: LogCalls; log: DiskLog }

export class LogUpkeep {
  readonly #o: UpkeepOptions
  readonly #pages: StatePages
  readonly #positions: Positions
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(o: UpkeepOptions) {
    this.#o = o
    this.#pages = new StatePages(o.db)
    this.#positions = new Positions(o.db)
  }

  start(): void {
    this.#running = this.#run().catch((err: unknown) => {
      if (!this.#stopping.signal.aborted) this.#o.log.error({ err }, 'maintenance of the store log has stopped')
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** Writes all states to new packs and deletes the older packs. */
  async compact(): Promise<void> {
    await this.#pages.begin(this.#o.queue)
    await this.#writeRest()
    await this.#deleteOldPacks()
  }

  async #run(): Promise<void> {
    for (;;) {
      try {
        await this.#writeRest()
        if (this.#isDue()) await this.compact()
        else await this.#deleteOldPacks()
      } catch (err) {
        if (this.#stopping.signal.aborted) return
        this.#o.log.warn({ err }, 'could not compact the store log, the next attempt is in 10 minutes')
      }
      await this.#pause(lookEvery)
    }
  }

  async #writeRest(): Promise<void> {
    const { unlogged } = this.#positions.read()!
    if (unlogged === null) return
    while (!(await this.#pages.next(this.#o.queue))) await this.#pause(pause)
    this.#o.log.info({}, 'the store log is complete: the index can be rebuilt from it')
  }

  #isDue(): boolean {
    const { root, calls, db } = this.#o
    const size = packNumbers(root, calls).reduce(
      (sum, number) => sum + (calls.statSync(packPath(root, number))?.size ?? 0),
      0,
    )
    const pragma = (name: string): number => Number(db.pragma(name, { simple: true }))
    return size > Math.max(smallest, tolerated * pragma('page_count') * pragma('page_size'))
  }

  /** Deletes the oldest packs first, so the rest is always the end of one history. */
  async #deleteOldPacks(): Promise<void> {
    const { root, calls, queue } = this.#o
    const { firstPack } = this.#positions.read()!
    const old = packNumbers(root, calls).filter((number) => number < firstPack)
    if (old.length === 0 || (await isHeld(root))) return
    // After a crash, the index must not return to a position in a deleted pack.
    queue.syncIndex()
    for (const number of old) {
      try {
        calls.unlinkSync(packPath(root, number))
      } catch (cause) {
        if (inUse.has(errorCode(cause) ?? '')) return
        throw cause
      }
      syncFolderNow(dirname(packPath(root, number)), calls)
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stopping.signal, ref: false })
  }
}
