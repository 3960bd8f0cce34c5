/** Runs the collector repeatedly. If several gateways share a catalog, one of them runs it at a time. */
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

/** Milliseconds between checks for uploads that a bucket received, because a bucket sends no notification. */
const lookEvery = 2000

/**
 * `mayDelete`: whether the clock is steady. A pass does nothing while it is not. `interval` is in seconds. Each pause
 * is up to a quarter shorter or longer, so that several processes do not run at the same time.
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
      deps.log.error({ err }, 'the collector failed; the next pass retries')
    }
    schedule(interval)
  }

  /** Whether clients write to a bucket directly. Uploads through this server are settled without the collector. */
  const bucketReceives = deps.stores.all.some(({ capabilities }) => !capabilities.has('revocable-reads'))

  async function lookForArrived(): Promise<void> {
    try {
      // The process that runs the collector also runs this check.
      if (lease.isHeld()) await collectArrived(deps, { signal, isDue })
    } catch (err) {
      deps.log.error({ err }, 'could not check for uploads that a bucket received; retrying')
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
    // The first pass runs soon, because uploads expired while the gateway was down, but not during startup.
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

/** Seconds between the first two checks, and the maximum. */
const first = 4
const most = 3600
const maxRemembered = 100_000

/**
 * Decides when the collector checks for the object of an auto-confirmed upload: soon after the URL is issued, then
 * after twice the previous pause, an hour at most. An object that arrives after time t is found before 2t. The schedule
 * is in memory and starts again after a restart.
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
