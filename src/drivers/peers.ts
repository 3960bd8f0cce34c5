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
}

/** The only process there is. */
export const alone: Peers = { index: 0, count: 1, isReplacement: false, ask: async () => [], answer: () => {} }
