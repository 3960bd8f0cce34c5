/** The worker's end of the channel to the primary: questions to other workers, and the stop message. */
import type { Peers } from '../drivers/peers.ts'
import { isOurs, type FromPrimary, type FromWorker, type Role } from './messages.ts'
import { WorkerCounts } from './shared-counts.ts'

export type Link = {
  peers: Peers
  /** Resolves when the primary sends the stop message or has exited. */
  stopped: Promise<void>
  send(message: FromWorker): Promise<void>
}

/** Milliseconds until the primary counts as unresponsive. The primary's own timeout for workers is shorter. */
const patience = 10_000

type Asker = { resolve: (values: never[]) => void; reject: (error: Error) => void; timer: NodeJS.Timeout }

export function linkToPrimary(role: Role): Link {
  const replies = new Map<string, (about: never) => unknown>()
  const askers = new Map<number, Asker>()
  let lastId = 0

  const send = (message: FromWorker): Promise<void> =>
    new Promise((resolve) => {
      // Without a primary there is nothing to wait for.
      if (!process.connected) return resolve()
      process.send!(message, undefined, undefined, () => resolve())
    })

  const counts = new WorkerCounts((changed) => void send({ postern: 'counts', changed }))

  async function answer(id: number, question: string, about: unknown): Promise<void> {
    const reply = replies.get(question)
    // Errors are not reported. A missing answer makes the asking worker cautious.
    const value = await reply?.(about as never)
    await send({ postern: 'answer', id, value, isAnswered: reply !== undefined })
  }

  function settle(id: number, values: unknown[] | null): void {
    const asker = askers.get(id)
    if (!asker) return
    askers.delete(id)
    clearTimeout(asker.timer)
    if (values === null) asker.reject(new Error('a worker does not respond'))
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
      else if (message.postern === 'counts') counts.receive(message.changed)
      else void answer(message.id, message.question, message.about).catch(() => {})
    })
  })

  return {
    stopped,
    send,
    peers: {
      ...role,
      answer: ({ name }, reply) => void replies.set(name, reply),
      counts: (name) => counts.named(name),
      ask: ({ name: question }, ...[about]) =>
        new Promise((resolve, reject) => {
          const id = ++lastId
          const timer = setTimeout(() => settle(id, null), patience)
          timer.unref()
          askers.set(id, { resolve, reject, timer })
          void send({ postern: 'ask', id, question, about })
        }),
    },
  }
}
