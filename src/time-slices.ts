/** Lets other requests run during long synchronous work. */
import { scheduler } from 'node:timers/promises'

/** Milliseconds after which other requests get their turn. */
const slice = 10

/** Returns a function to await before each piece of work. It waits for a turn of the event loop once a slice is used up. */
export function timeSlices(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since <= slice) return
    await scheduler.yield()
    since = performance.now()
  }
}
