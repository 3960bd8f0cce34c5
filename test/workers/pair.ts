/** The two ends of a channel between processes, in one process. */
import { Counts, type Peers, type Question } from '../../src/drivers/peers.ts'

export function pairOfPeers(): [Peers, Peers] {
  const counted = new Map<string, Counts>()
  const replies = [0, 1].map(() => new Map<string, (about: never) => unknown>())
  const end = (index: number): Peers => ({
    index,
    count: 2,
    isReplacement: false,
    answer: ({ name }, reply) => void replies[index]!.set(name, reply),
    counts(name) {
      const counts = counted.get(name) ?? new Counts()
      counted.set(name, counts)
      return counts
    },
    async ask<About, Answer>({ name }: Question<About, Answer>, ...[about]: void extends About ? [] : [about: About]) {
      const reply = replies[1 - index]!.get(name)
      return reply ? [(await reply(about as never)) as Answer] : []
    },
  })
  return [end(0), end(1)]
}
