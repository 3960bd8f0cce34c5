import type { IsDue } from './collect-expired.ts'

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
