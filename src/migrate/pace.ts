import { setTimeout as sleep } from 'node:timers/promises'

/** Waits as long as it takes for so many bytes to be due. */
export type Pace = (bytes: number, signal: AbortSignal) => Promise<void>

/** One rate for all that share it; null: none. */
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
