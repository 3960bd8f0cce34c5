/**
 * Delivers what the outbox holds, as long as the gateway runs. Each receiver has a loop of its own, so that a slow one
 * holds up nobody else, and one process at a time is at it.
 */
import { createHash } from 'node:crypto'
import { createLease } from '../service/maintenance/lease.ts'
import { deliver, type DeliverDeps, type Hook } from './deliver.ts'

export type Dispatcher = {
  /** Begins to look for what is due; the timers keep no process alive. */
  start(): void
  /** No attempt begins after this; those under way are broken off, and made again by the next start. */
  stop(): Promise<void>
}

/** Messages that one receiver gets at a time. */
const atOnce = 8
/** Seconds after which another process goes on in the place of one that has ended without a word. */
const turnLasts = 15

/** `interval`: seconds between two looks at what is due. */
export function createDispatcher(
  deps: DeliverDeps & { log: { error(facts: object, message: string): void } },
  hooks: readonly Hook[],
  { interval = 1 }: { interval?: number } = {},
): Dispatcher {
  const stopping = new AbortController()
  const loops = hooks.map((hook) => createLoop(hook))

  function createLoop(hook: Hook) {
    const name = `webhook:${createHash('sha256').update(hook.url).digest('hex').slice(0, 16)}`
    const lease = createLease(deps, name, { lasts: turnLasts })
    const due = (limit: number) => deps.catalog.dueDeliveries(hook.url, { now: deps.now(), limit })
    let timer: NodeJS.Timeout | undefined
    let running: Promise<void> = Promise.resolve()

    async function drain(): Promise<void> {
      for (;;) {
        const batch = await due(atOnce)
        if (batch.length === 0) return
        const attempts = batch.map((delivery) => deliver(deps, hook, delivery, stopping.signal))
        // None is left to itself: it would be under way still when the next look finds it due.
        const failed = (await Promise.allSettled(attempts)).find((attempt) => attempt.status === 'rejected')
        if (failed) throw failed.reason
        // Who was held up for so long that another process goes on in its place would tell everything twice.
        if (stopping.signal.aborted || !lease.isHeld()) return
      }
    }

    async function pass(): Promise<void> {
      try {
        // A look costs nothing; to take the turn is a write.
        if ((await due(1)).length > 0) await lease.run(drain)
      } catch (err) {
        deps.log.error({ err }, 'webhooks could not be delivered: it is tried again')
      }
      schedule()
    }

    function schedule(): void {
      if (stopping.signal.aborted) return
      timer = setTimeout(() => (running = pass()), interval * 1000 * (0.75 + Math.random() / 2))
      timer.unref()
    }

    return {
      start: () => {
        if (timer === undefined) schedule()
      },
      async stop() {
        clearTimeout(timer)
        await running
        await lease.giveUp().catch(() => undefined)
      },
    }
  }

  return {
    start: () => loops.forEach((loop) => loop.start()),
    async stop() {
      stopping.abort()
      await Promise.all(loops.map((loop) => loop.stop()))
    },
  }
}
