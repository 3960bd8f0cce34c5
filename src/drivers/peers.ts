/** The other processes of one gateway, which share its ports and its disk (`server.workers`), and what they are asked. */
export type Peers = {
  /** 0 keeps house for all: it sweeps and collects. */
  readonly index: number
  readonly count: number
  /** Whether this process takes the place of one that died while the others run on. */
  readonly isReplacement: boolean
  /** The answers of the other processes that have one. Rejects if one does not answer: then nothing may be concluded. */
  ask<About, Answer>(
    question: Question<About, Answer>,
    ...about: void extends About ? [] : [about: About]
  ): Promise<Answer[]>
  /** Sets how this process answers a question. */
  answer<About, Answer>(question: Question<About, Answer>, reply: (about: About) => Answer | Promise<Answer>): void
  /** Counts that all of them add to, one set for each name. */
  counts(name: string): SharedCounts
}

/** What a process can ask the others, declared next to the code that asks. `About` and `Answer` are sent as JSON. */
export type Question<About, Answer> = { readonly name: string; readonly types?: [about: About, answer: Answer] }

export const question = <About, Answer>(name: string): Question<About, Answer> => ({ name })

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
