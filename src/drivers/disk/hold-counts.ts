/** Counts the holders of each item. */
export class HoldCounts<T> {
  readonly #counts = new Map<T, number>()

  /** Number of items with a holder. */
  get size(): number {
    return this.#counts.size
  }

  has(item: T): boolean {
    return this.#counts.has(item)
  }

  add(item: T): void {
    this.#counts.set(item, (this.#counts.get(item) ?? 0) + 1)
  }

  remove(item: T): void {
    const left = (this.#counts.get(item) ?? 0) - 1
    if (left > 0) this.#counts.set(item, left)
    else this.#counts.delete(item)
  }
}
