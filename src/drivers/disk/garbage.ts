/**
 * Deletes blobs that no row refers to. The sweep passes the blobs whose grace period is over. A write to the gateway's
 * bucket passes the blobs that it replaced. These are deleted at once, or as soon as no reader and no backup needs
 * them.
 */
import { question, type Peers } from '../peers.ts'
import type { BlobStore } from './blob-store.ts'
import type { CommitQueue } from './commit-queue.ts'
import type { DescriptorCache } from './descriptor-cache.ts'
import type { HoldCounts } from './hold-counts.ts'
import { isHeld } from './holds.ts'
import type { DiskLog } from './log.ts'
import type { Index } from './open-index.ts'

/** Milliseconds between two attempts to delete replaced blobs that were still needed. */
const lookEvery = 1000

/** Returns those of the given blobs that a process reads. */
export const blobsInUse = question<string[], string[]>('disk.reading')

type GarbageContext = {
  queue: CommitQueue
  peers: Peers
  blobs: BlobStore
  descriptors: DescriptorCache
  readers: HoldCounts<string>
  handedOff: HandedOff
  closing: AbortSignal
}

export class Garbage {
  readonly #ctx: GarbageContext
  readonly #log: DiskLog
  readonly #isGarbage
  readonly #forget
  readonly #kept = new Set<string>()
  readonly #waiting = new Map<string, () => void>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(ctx: GarbageContext, db: Index, log: DiskLog) {
    this.#ctx = ctx
    this.#log = log
    this.#isGarbage = db.prepare<[string], { yes: 1 }>(
      'SELECT 1 AS yes FROM blobs WHERE id = ? AND garbage_since IS NOT NULL',
    )
    this.#forget = db.prepare<[string]>('DELETE FROM blobs WHERE id = ? AND garbage_since IS NOT NULL')
  }

  /** For a snapshot: keeps this blob until the driver closes. */
  keep(id: string): void {
    this.#kept.add(id)
  }

  /**
   * Deletes the blobs without a reader. Resolves to them, or to null if a backup needs all of them. The file is deleted
   * before its row. After a crash in between, the row remains and the next sweep retries.
   */
  async removeUnread(ids: readonly string[]): Promise<string[] | null> {
    const { queue, peers, readers, handedOff, blobs, descriptors } = this.#ctx
    // Must be checked after the blobs were chosen. See holds.ts.
    if (await isHeld(blobs.layout.root)) return null
    const isRead = (id: string): boolean => readers.has(id) || handedOff.has(id) || this.#kept.has(id)
    // No row refers to them any more, so a reader that has not started by now cannot find them.
    const unread = ids.filter((id) => !isRead(id))
    const readByPeers = new Set((await peers.ask(blobsInUse, unread)).flat())
    const free = unread.filter((id) => !readByPeers.has(id) && !isRead(id))
    for (const id of free) {
      descriptors.forget(id)
      await blobs.remove(id)
    }
    await queue.run(() => free.forEach((id) => this.#forget.run(id)))
    return free
  }

  /**
   * Deletes the blobs that a committed write replaced. If a reader or a backup still needs some of them, resolves to
   * `gone`, which resolves when all are deleted.
   */
  async removeReplaced(ids: readonly string[]): Promise<{ gone?: Promise<void> }> {
    const left = await this.#remove(ids.filter((id) => !this.#kept.has(id)))
    if (left.length === 0) return {}
    const gone = Promise.all(left.map((id) => new Promise<void>((resolve) => this.#waiting.set(id, resolve))))
    this.#lookLater()
    return { gone: gone.then(() => {}) }
  }

  /** The sweep of the next start deletes the blobs that are still waiting. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#looking
    for (const resolve of this.#waiting.values()) resolve()
    this.#waiting.clear()
  }

  /** Resolves to the blobs that still exist. A failure does not fail the write, because deletion is retried. */
  async #remove(ids: readonly string[]): Promise<string[]> {
    const garbage = ids.filter((id) => this.#isGarbage.get(id))
    if (garbage.length === 0) return []
    try {
      const removed = new Set(await this.removeUnread(garbage))
      return garbage.filter((id) => !removed.has(id))
    } catch (err) {
      if (!this.#ctx.closing.aborted) this.#log.warn({ err }, 'could not delete replaced bytes, retrying')
      return garbage
    }
  }

  #lookLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#looking = this.#look()
    }, lookEvery).unref()
  }

  async #look(): Promise<void> {
    const waiting = [...this.#waiting.keys()]
    const left = new Set(await this.#remove(waiting))
    for (const id of waiting) {
      if (left.has(id)) continue
      this.#waiting.get(id)?.()
      this.#waiting.delete(id)
    }
    this.#timer = undefined
    if (this.#waiting.size > 0 && !this.#ctx.closing.aborted) this.#lookLater()
  }
}

/** Blobs whose path was given to a front proxy recently. The proxy opens the file itself. */
export class HandedOff {
  /** Ordered by time. */
  readonly #until = new Map<string, number>()
  readonly #lifetime: number

  /** `lifetime` in seconds. */
  constructor(lifetime: number) {
    this.#lifetime = lifetime * 1000
  }

  add(id: string): void {
    const now = performance.now()
    this.#until.delete(id)
    this.#until.set(id, now + this.#lifetime)
    for (const [oldest, until] of this.#until) {
      if (until > now) return
      this.#until.delete(oldest)
    }
  }

  has(id: string): boolean {
    return (this.#until.get(id) ?? 0) > performance.now()
  }
}
