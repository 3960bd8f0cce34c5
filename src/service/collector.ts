/** Runs the collection again and again while the gateway does; of several gateways over one catalog, one at a time. */
import { collectArrived, collectExpired, type Collected } from './collect-expired.ts'
import type { ServiceDeps } from './deps.ts'
import { createLookSchedule } from './look-schedule.ts'
import { createTurn } from './turn.ts'

export type Collector = {
  /** Begins the passes; the timer keeps no process alive. */
  start(): void
  /** One pass now, whoever's turn it is. While one is running, its outcome. Rejects with the catalog's errors. */
  run(): Promise<Collected>
  /** No pass begins after this; resolves when the running one has stopped, early but between two uploads. */
  stop(): Promise<void>
}

/** Milliseconds between looks for what a bucket received, which tells nobody of it. */
const lookEvery = 2000

/**
 * `mayDelete`: whether the clock is steady; while it is not, a pass does nothing. `interval` in seconds; each pause is up
 * to a quarter shorter or longer, so that several processes drift apart.
 */
export function createCollector(
  deps: ServiceDeps,
  o: { interval?: number; limit?: number; mayDelete?: () => boolean } = {},
): Collector {
  const interval = (o.interval ?? 60) * 1000
  const stopping = new AbortController()
  const { signal } = stopping
  const turn = createTurn(deps, 'collect', { lasts: Math.max(3 * (o.interval ?? 60), 60) })
  const isDue = createLookSchedule(deps.now)
  let timer: NodeJS.Timeout | undefined
  let looking: NodeJS.Timeout | undefined
  let look: Promise<void> | null = null
  let running: Promise<Collected> | null = null

  function run(): Promise<Collected> {
    running ??= collectExpired(deps, { signal, isDue, ...(o.limit === undefined ? {} : { limit: o.limit }) }).finally(
      () => {
        running = null
      },
    )
    return running
  }

  async function pass(): Promise<void> {
    if (o.mayDelete?.() === false) return schedule(interval)
    try {
      const collected = await turn.run(run)
      if (collected && Object.values(collected).some((count) => count > 0)) deps.log.info(collected, 'collected')
    } catch (err) {
      deps.log.error({ err }, 'the collection failed: it is tried again')
    }
    schedule(interval)
  }

  /** Whether clients write to a bucket past this server: it settles by itself what passes through it. */
  const bucketReceives = deps.stores.all.some(({ capabilities }) => !capabilities.has('revocable-reads'))

  async function lookForArrived(): Promise<void> {
    try {
      // Whoever runs the collection does this too.
      if (turn.isHeld()) await collectArrived(deps, { signal, isDue })
    } catch (err) {
      deps.log.error({ err }, 'could not look for uploads that a bucket received: retrying')
    }
    if (signal.aborted) return
    looking = setTimeout(() => (look = lookForArrived()), lookEvery)
    looking.unref()
  }

  function schedule(pause: number): void {
    if (signal.aborted) return
    timer = setTimeout(() => void pass(), pause * (0.75 + Math.random() / 2))
    timer.unref()
  }

  return {
    // Soon, for what came due while the gateway was down, but not while it is starting.
    start: () => {
      if (timer !== undefined) return
      schedule(interval / 10)
      if (bucketReceives) look = turn.take().then(lookForArrived, lookForArrived)
    },
    run,
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      clearTimeout(looking)
      await look
      await running?.catch(() => undefined)
      await turn.giveUp().catch(() => undefined)
    },
  }
}
