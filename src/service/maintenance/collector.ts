/**
 * Runs the collector repeatedly while the gateway runs. Of several gateways over one catalog, one at a time runs it.
 */
import { collectArrived, collectExpired, type Collected, type IsDue } from './collect-expired.ts'
import type { ServiceDeps } from '../deps.ts'
import { createLease } from './lease.ts'

export type Collector = {
  /** Starts the passes. The timer does not keep the process alive. */
  start(): void
  /** Runs one pass now, or joins the running one. Errors: those of the catalog. */
  run(): Promise<Collected>
  /** Starts no further pass. Resolves when the running pass has stopped, which it does early, between two uploads. */
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
  const lease = createLease(deps, 'collect', { lasts: Math.max(3 * (o.interval ?? 60), 60) })
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
      const collected = await lease.run(run)
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
      if (lease.isHeld()) await collectArrived(deps, { signal, isDue })
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
      if (bucketReceives) look = lease.take().then(lookForArrived, lookForArrived)
    },
    run,
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      clearTimeout(looking)
      await look
      await running?.catch(() => undefined)
      await lease.giveUp().catch(() => undefined)
    },
  }
}

/** Seconds between the first looks, and at most. */
const first = 4
const most = 3600
const maxRemembered = 100_000

/**
 * When the collector looks for the object of an upload that confirms itself: soon after the URL is issued, then after
 * twice the time, an hour at most. Whatever time it takes to arrive, it is found within as much again. Kept in memory:
 * after a restart the looks begin anew.
 */
export function createLookSchedule(now: () => Date): IsDue {
  const waits = new Map<string, { at: number; pause: number }>()
  return (fileId) => {
    const time = now().getTime()
    const wait = waits.get(fileId)
    if (wait && time < wait.at) return false
    const pause = wait ? Math.min(wait.pause * 2, most) : first
    waits.delete(fileId)
    waits.set(fileId, { at: time + pause * 1000, pause })
    for (const oldest of waits.keys()) {
      if (waits.size <= maxRemembered) break
      waits.delete(oldest)
    }
    return true
  }
}
