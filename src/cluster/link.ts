/** The worker's end of the channel to the primary: peers to ask, and the word to stop. */
import type { Peers } from '../drivers/peers.ts'
import { isOurs, type FromPrimary, type FromWorker, type Role } from './messages.ts'
import { WorkerCounts } from './shared-counts.ts'

export type Link = {
  peers: Peers
  /** Resolves when the primary has said so, or is gone. */
  stopped: Promise<void>
  tell(message: FromWorker): Promise<void>
}

/** Milliseconds after which the primary itself counts as silent; it waits less long for the others. */
const patience = 10_000

type Asker = { resolve: (values: never[]) => void; reject: (error: Error) => void; timer: NodeJS.Timeout }

export function linkToPrimary(role: Role): Link {
  const replies = new Map<string, (about: never) => unknown>()
  const askers = new Map<number, Asker>()
  let lastId = 0

  const tell = (message: FromWorker): Promise<void> =>
    new Promise((resolve) => {
      // Without a primary there is nobody to be told.
      if (!process.connected) return resolve()
      process.send!(message, undefined, undefined, () => resolve())
    })

  const counts = new WorkerCounts((changed) => void tell({ postern: 'counts', changed }))

  async function answer(id: number, question: string, about: unknown): Promise<void> {
    const reply = replies.get(question)
    // Of one that fails nothing is said: silence is what makes the asker careful.
    const value = await reply?.(about as never)
    await tell({ postern: 'answer', id, value, isAnswered: reply !== undefined })
  }

  function settle(id: number, values: unknown[] | null): void {
    const asker = askers.get(id)
    if (!asker) return
    askers.delete(id)
    clearTimeout(asker.timer)
    if (values === null) asker.reject(new Error('a worker does not answer'))
    else asker.resolve(values as never[])
  }

  const stopped = new Promise<void>((resolve) => {
    process.once('disconnect', () => {
      for (const id of askers.keys()) settle(id, null)
      resolve()
    })
    process.on('message', (message) => {
      if (!isOurs<FromPrimary>(message)) return
      if (message.postern === 'stop') resolve()
      else if (message.postern === 'answers') settle(message.id, message.values)
      else if (message.postern === 'counts') counts.hear(message.changed)
      else void answer(message.id, message.question, message.about).catch(() => {})
    })
  })

  return {
    stopped,
    tell,
    peers: {
      ...role,
      answer: (question, reply) => void replies.set(question, reply),
      counts: (name) => counts.named(name),
      ask: (question, about) =>
        new Promise((resolve, reject) => {
          const id = ++lastId
          const timer = setTimeout(() => settle(id, null), patience)
          timer.unref()
          askers.set(id, { resolve, reject, timer })
          void tell({ postern: 'ask', id, question, about })
        }),
    },
  }
}
