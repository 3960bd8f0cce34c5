/**
 * The scrub: reads all blobs repeatedly and slowly, so that damage is found while a backup still has the intact bytes.
 * It reports and counts damaged blobs. `postern verify --repair` moves them to quarantine.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ScrubStatus } from '../driver.ts'
import { BlobLayout } from './blob-layout.ts'
import type { DiskLog } from './log.ts'
import type { Index } from './open-index.ts'
import { readScrubState, writeScrubState, type ScrubState } from './scrub-state.ts'
import { readBlob, type BlobState } from './verify/read-blob.ts'
import { usersOf } from './verify/users.ts'

/** Minimum rate in bytes per second, independent of the size of the store. */
const slowest = 256 * 1024
const fastest = 32 * 1024 * 1024
/** Factor by which the scrub slows down while the store is busy. */
const whenBusy = 8
const saveEvery = 60_000
/** Maximum number of damaged blobs kept by name. */
const maxNamed = 10_000

type BlobRow = { id: string; size: number; sums: Buffer }

export type ScrubOptions = {
  root: string
  db: Index
  log: DiskLog
  /** Seconds for one pass over the store. */
  every: number
  /** Seconds before the first read. */
  delay: number
  /** Whether requests are reading or writing now. */
  isBusy: () => boolean
  /** Minimum rate in bytes per second. */
  slowest?: number
}

export class Scrub {
  readonly #o: ScrubOptions
  readonly #layout: BlobLayout
  readonly #stopping = new AbortController()
  readonly #next
  readonly #isWanted
  #state: ScrubState
  #rate = slowest
  #savedAt = Date.now()
  #changed = false
  #running: Promise<void> = Promise.resolve()

  constructor(o: ScrubOptions) {
    this.#o = o
    this.#layout = new BlobLayout(o.root)
    this.#next = o.db.prepare<[string], BlobRow>(
      'SELECT id, size, sums FROM blobs WHERE garbage_since IS NULL AND id > ? ORDER BY id LIMIT 1',
    )
    this.#isWanted = o.db.prepare<[string]>('SELECT 1 FROM blobs WHERE id = ? AND garbage_since IS NULL')
    this.#state = readScrubState(o.root)
  }

  start(): void {
    this.#running = this.#run().catch((err: unknown) => {
      if (!this.#stopping.signal.aborted) this.#o.log.error({ err }, 'the scrub of the store has stopped')
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    if (this.#changed) this.#save()
  }

  status(): ScrubStatus {
    const { damaged, blobs, bytes, passes, startedAt, finishedAt } = this.#state
    return {
      damagedBlobs: damaged.size,
      blobs,
      bytes,
      passes,
      passStartedAt: startedAt === null ? null : new Date(startedAt),
      lastPassAt: finishedAt === null ? null : new Date(finishedAt),
    }
  }

  async #run(): Promise<void> {
    await this.#pause(this.#o.delay * 1000)
    for (;;) {
      const state = this.#state
      if (state.startedAt === null) this.#begin()
      this.#rate = this.#chooseRate()
      for (let row = this.#next.get(state.cursor); row; row = this.#next.get(state.cursor)) {
        await this.#check(row)
        Object.assign(state, { cursor: row.id, offset: 0 })
        if (Date.now() - this.#savedAt > saveEvery) this.#save()
      }
      const due = state.startedAt! + this.#o.every * 1000
      this.#end()
      await this.#pause(Math.max(due - Date.now(), 1000))
    }
  }

  #begin(): void {
    this.#changed = true
    Object.assign(this.#state, { startedAt: Date.now(), cursor: '', offset: 0, blobs: 0, bytes: 0 })
  }

  #end(): void {
    const state = this.#state
    for (const id of state.damaged) if (!this.#isWanted.get(id)) state.damaged.delete(id)
    const { blobs, bytes } = state
    this.#o.log.info({ blobs, bytes, damaged: state.damaged.size }, 'the scrub read the whole store')
    Object.assign(state, { startedAt: null, cursor: '', offset: 0, finishedAt: Date.now(), passes: state.passes + 1 })
    this.#save()
  }

  async #check(row: BlobRow): Promise<void> {
    const state = this.#state
    const found = await readBlob(this.#layout.path(row.id), row, {
      signal: this.#stopping.signal,
      md5: false,
      // Continue after a restart: reading a large blob takes longer than some servers run.
      from: state.offset < row.size ? state.offset : 0,
      each: (bytes) => {
        this.#changed = true
        state.bytes += bytes.length
        state.offset += bytes.length
        return this.#pace(bytes.length)
      },
    })
    state.blobs++
    this.#changed = true
    if (found.is === 'intact' || found.is === 'appended') state.damaged.delete(row.id)
    // If the blob was deleted in the meantime, its file may be gone.
    else if (this.#isWanted.get(row.id)) this.#tell(row, found)
  }

  #tell({ id, size }: BlobRow, { is }: BlobState): void {
    const { damaged } = this.#state
    const isNew = !damaged.has(id)
    if (damaged.size < maxNamed) damaged.add(id)
    if (isNew) this.#save()
    const usedBy = usersOf(this.#o.db, id).slice(0, 3)
    const facts = { blob: id, size, found: is, usedBy }
    this.#o.log.error(facts, 'stored bytes are damaged, run postern verify --deep and restore them from a backup')
  }

  /** The store's size divided by the time of a pass, and a little faster to cover bytes written in the meantime. */
  #chooseRate(): number {
    const { bytes } = this.#o.db.prepare('SELECT total(size) AS bytes FROM blobs').get() as { bytes: number }
    return Math.min(fastest, Math.max(this.#o.slowest ?? slowest, (bytes / this.#o.every) * 1.2))
  }

  async #pace(bytes: number): Promise<void> {
    const pause = (bytes / this.#rate) * 1000
    await this.#pause(this.#o.isBusy() ? pause * whenBusy : pause)
  }

  /** In milliseconds. Throws when the scrub must stop. */
  async #pause(milliseconds: number): Promise<void> {
    // The maximum of a timer is 24 days.
    for (let left = milliseconds; left >= 0; left -= 86_400_000) {
      await sleep(Math.min(left, 86_400_000), undefined, { signal: this.#stopping.signal, ref: false })
    }
  }

  #save(): void {
    this.#changed = false
    this.#savedAt = Date.now()
    try {
      writeScrubState(this.#o.root, this.#state)
    } catch (err) {
      this.#o.log.warn({ err }, 'could not save the progress of the scrub, so it starts again after a restart')
    }
  }
}
