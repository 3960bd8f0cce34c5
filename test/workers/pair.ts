/** Two processes' ends of one channel, in one process. */
import { Counts, type Peers } from '../../src/drivers/peers.ts'

export function pairOfPeers(): [Peers, Peers] {
  const counted = new Map<string, Counts>()
  const replies = [0, 1].map(() => new Map<string, (about: never) => unknown>())
  const end = (index: number): Peers => ({
    index,
    count: 2,
    isReplacement: false,
    answer: (question, reply) => void replies[index]!.set(question, reply),
    counts(name) {
      const counts = counted.get(name) ?? new Counts()
      counted.set(name, counts)
      return counts
    },
    async ask<T>(question: string, about?: unknown) {
      const reply = replies[1 - index]!.get(question)
      return reply ? [(await reply(about as never)) as T] : []
    },
  })
  return [end(0), end(1)]
}
