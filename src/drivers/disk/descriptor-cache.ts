/**
 * Caches open descriptors of blobs and closes the least recently used first. Sharing them is safe because blobs never
 * change. Descriptors in use are never closed.
 */
import type { BlobStore } from './blob-store.ts'
import { CachedBlocks } from './cached-blocks.ts'
import { errorCode, type FileCalls } from './file-calls.ts'

type Entry = { fd: Promise<number>; cached: CachedBlocks; users: number; removed: boolean }
export type Lease = { fd: number; cached: CachedBlocks; release(): void }

export class DescriptorCache {
  readonly #blobs: BlobStore
  readonly #calls: FileCalls
  readonly #max: number
  /** Ordered by last use, oldest first. */
  readonly #entries = new Map<string, Entry>()

  constructor(blobs: BlobStore, calls: FileCalls, max = 128) {
    this.#blobs = blobs
    this.#calls = calls
    this.#max = max
  }

  /** Errors: those of BlobStore.open. */
  async acquire(id: string): Promise<Lease> {
    const entry = this.#entries.get(id) ?? { fd: this.#open(id), cached: new CachedBlocks(), users: 0, removed: false }
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    entry.users++
    try {
      const fd = await entry.fd
      let held = true
      const release = (): void => {
        if (held) this.#release(entry)
        held = false
      }
      return { fd, cached: entry.cached, release }
    } catch (cause) {
      if (this.#entries.get(id) === entry) this.#entries.delete(id)
      throw cause
    }
  }

  /** Must be called when the blob is deleted, so that its space is freed after the last read. */
  forget(id: string): void {
    const entry = this.#entries.get(id)
    if (!entry) return
    this.#entries.delete(id)
    this.#retire(entry)
  }

  closeIdle(keep = 0): void {
    for (const [id, entry] of this.#entries) {
      if (this.#entries.size <= keep) return
      if (entry.users === 0) this.forget(id)
    }
  }

  /** Descriptors in use are closed by their last user. */
  close(): void {
    for (const id of this.#entries.keys()) this.forget(id)
  }

  async #open(id: string): Promise<number> {
    try {
      return await this.#blobs.open(id)
    } catch (cause) {
      if (errorCode(cause) !== 'EMFILE') throw cause
      this.closeIdle()
      return this.#blobs.open(id)
    }
  }

  #release(entry: Entry): void {
    entry.users--
    if (entry.removed) this.#retire(entry)
    else this.closeIdle(this.#max)
  }

  #retire(entry: Entry): void {
    entry.removed = true
    if (entry.users === 0) entry.fd.then((fd) => this.#calls.close(fd)).catch(() => {})
  }
}
