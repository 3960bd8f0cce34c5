/** The other processes of one gateway, which share its ports and its disk (`server.workers`), and what they are asked. */
export type Peers = {
  /** 0 keeps house for all: it sweeps and collects. */
  readonly index: number
  readonly count: number
  /** Whether this process takes the place of one that died while the others run on. */
  readonly isReplacement: boolean
  /** An answer from each of the others that has one. Rejects when one of them is silent: nothing may be concluded. */
  ask<T>(question: string, about?: unknown): Promise<T[]>
  /** How this process answers a question. What is asked and answered is JSON. */
  answer(question: string, reply: (about: never) => unknown): void
  /** Counts that all of them add to, one set for each name. */
  counts(name: string): SharedCounts
}

export type SharedCounts = {
  /** Of all processes: what this one counts now, and what the others counted a moment ago (see cluster/shared-counts.ts). */
  get(key: string): number
  add(key: string, by: number): void
}

/** The only process there is. */
export const alone: Peers = {
  index: 0,
  count: 1,
  isReplacement: false,
  ask: async () => [],
  answer: () => {},
  counts: () => new Counts(),
}

export class Counts implements SharedCounts {
  readonly #counts = new Map<string, number>()

  get(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  set(key: string, count: number): void {
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
  }

  add(key: string, by: number): void {
    this.set(key, this.get(key) + by)
  }

  entries(): IterableIterator<[key: string, count: number]> {
    return this.#counts.entries()
  }
}
