/**
 * Delivers the events of the outbox while the gateway runs. Each receiver has a separate loop, so that a slow one does not
 * delay the others. A lease lets one process at a time deliver to a receiver.
 */
import { createHash } from 'node:crypto'
import { createLease } from '../service/maintenance/lease.ts'
import { deliver, type DeliverDeps, type Hook } from './deliver.ts'

export type Dispatcher = {
  /** Starts to look for due deliveries. The timers do not keep the process alive. */
  start(): void
  /** Delivers what is due now. */
  run(): Promise<void>
  /** Starts no new attempts and aborts running ones. They are repeated after the next start. */
  stop(): Promise<void>
}

/** Concurrent messages per receiver. */
const atOnce = 8
/** Seconds until the lease of a process that crashed expires. */
const leaseLasts = 15

/** `interval`: seconds between two queries for due deliveries. */
export function createDispatcher(
  deps: DeliverDeps & { log: { error(facts: object, message: string): void } },
  hooks: readonly Hook[],
  { interval = 1 }: { interval?: number } = {},
): Dispatcher {
  const stopping = new AbortController()
  const loops = hooks.map((hook) => createLoop(hook))

  function createLoop(hook: Hook) {
    const name = `webhook:${createHash('sha256').update(hook.url).digest('hex').slice(0, 16)}`
    const lease = createLease(deps, name, { lasts: leaseLasts })
    const due = (limit: number) => deps.catalog.dueDeliveries(hook.url, { now: deps.now(), limit })
    let timer: NodeJS.Timeout | undefined
    let running: Promise<void> = Promise.resolve()

    async function drain(): Promise<void> {
      for (;;) {
        const batch = await due(atOnce)
        if (batch.length === 0) return
        const attempts = batch.map((delivery) => deliver(deps, hook, delivery, stopping.signal))
        // Wait for all attempts. Otherwise the next query could find a delivery that is still running.
        const failed = (await Promise.allSettled(attempts)).find((attempt) => attempt.status === 'rejected')
        if (failed) throw failed.reason
        // If this process was delayed until its lease expired, another one delivers these events now.
        if (stopping.signal.aborted || !lease.isHeld()) return
      }
    }

    async function deliverDue(): Promise<void> {
      try {
        // The query is cheap. Taking the lease is a write.
        if ((await due(1)).length > 0) await lease.run(drain)
      } catch (err) {
        deps.log.error({ err }, 'webhooks could not be delivered and will be retried')
      }
    }

    async function pass(): Promise<void> {
      await deliverDue()
      schedule()
    }

    function schedule(): void {
      if (stopping.signal.aborted) return
      timer = setTimeout(() => (running = pass()), interval * 1000 * (0.75 + Math.random() / 2))
      timer.unref()
    }

    return {
      run: () => (running = running.then(deliverDue)),
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
    run: async () => void (await Promise.all(loops.map((loop) => loop.run()))),
    async stop() {
      stopping.abort()
      await Promise.all(loops.map((loop) => loop.stop()))
    },
  }
}
