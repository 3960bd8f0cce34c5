import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until the rate limit allows so many bytes. */
export type Pace = (bytes: number, signal: AbortSignal) => Promise<void>

/** A rate limit that several transfers share. Null means no limit. */
export function createPace(bytesPerSecond: number | null): Pace {
  if (bytesPerSecond === null) return async () => {}
  let free = performance.now()
  return async (bytes, signal) => {
    const from = Math.max(free, performance.now())
    free = from + (bytes / bytesPerSecond) * 1000
    const wait = from - performance.now()
    if (wait > 0) await sleep(wait, undefined, { signal })
  }
}
