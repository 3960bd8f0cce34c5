/**
 * Tracks which blocks of a blob were read recently and are probably in the operating system's cache. These can be read
 * without a thread. A wrong guess costs one wait for the disk, never a wrong byte.
 */

/** Milliseconds for which a read block counts as cached. */
const trusted = 10_000
const maxBlocks = 64

export class CachedBlocks {
  readonly #readAt = new Map<number, number>()

  /** `first` and `end` (exclusive) are block numbers. */
  has(first: number, end: number): boolean {
    const since = performance.now() - trusted
    for (let block = first; block < end; block++) {
      if ((this.#readAt.get(block) ?? -Infinity) < since) return false
    }
    return true
  }

  add(first: number, end: number): void {
    const now = performance.now()
    if (this.#readAt.size + end - first > maxBlocks) this.#readAt.clear()
    for (let block = first; block < end; block++) this.#readAt.set(block, now)
  }
}
