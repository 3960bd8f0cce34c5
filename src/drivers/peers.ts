/**
 * The other processes of one gateway (`server.workers`). They share its ports and disk, and answer each other's
 * questions.
 */
export type Peers = {
  /** Process 0 runs the sweep and the collector for all. */
  readonly index: number
  readonly count: number
  /** Whether this process replaces one that died while the others kept running. */
  readonly isReplacement: boolean
  /**
   * Resolves to the answers of the other processes. Rejects if one of them does not respond, because nothing can be
   * concluded then.
   */
  ask<About, Answer>(
    question: Question<About, Answer>,
    ...about: void extends About ? [] : [about: About]
  ): Promise<Answer[]>
  /** Sets how this process answers a question. */
  answer<About, Answer>(question: Question<About, Answer>, reply: (about: About) => Answer | Promise<Answer>): void
  /** Counts that are shared by all processes, one set for each name. */
  counts(name: string): SharedCounts
}

/** What a process can ask the others, declared next to the code that asks. `About` and `Answer` are sent as JSON. */
export type Question<About, Answer> = { readonly name: string; readonly types?: [about: About, answer: Answer] }

export const question = <About, Answer>(name: string): Question<About, Answer> => ({ name })

export type SharedCounts = {
  /**
   * The sum over all processes: the current count of this one, and the last known counts of the others (see
   * cluster/shared-counts.ts).
   */
  get(key: string): number
  add(key: string, by: number): void
}

/** A gateway with a single process. */
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
