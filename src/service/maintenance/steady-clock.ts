/**
 * Watches the wall clock against the one that only counts seconds. A clock that jumps forward makes everything look old:
 * while it has not been steady for a time, nothing is deleted for its age. URLs and tokens expire by the clock as it is.
 */
export type SteadyClock = {
  /** Whether what is old may be deleted now. */
  isSteady(): boolean
  stop(): void
}

export type SteadyClockOptions = {
  log: { warn(facts: object, message: string): void; info(facts: object, message: string): void }
  /** Seconds without a jump after which deletions go on. */
  stableFor: number
  /** Stand in for the clocks of the system; milliseconds. */
  wall?: () => number
  monotonic?: () => number
  /** Milliseconds between two looks. Default 10 s; every question looks too. */
  checkEvery?: number
}

/** Milliseconds. Leap seconds and a time server that corrects the clock stay far below. */
const jump = 3_600_000

export function watchClock(o: SteadyClockOptions): SteadyClock {
  const { log, stableFor, wall = Date.now, monotonic = () => performance.now() } = o
  let difference = wall() - monotonic()
  let steadyAt = -Infinity
  let isWaiting = false

  function look(): void {
    const now = wall() - monotonic()
    const forward = now - difference
    difference = now
    if (forward > jump) {
      steadyAt = monotonic() + stableFor * 1000
      isWaiting = true
      log.warn(
        { seconds: Math.round(forward / 1000), stableFor },
        `the clock jumped forward by ${Math.round(forward / jump)} h, or the machine slept: deletions wait until it has ` +
          `been stable for ${stableFor} s (server.clockStableFor). If the time is wrong, correct it (timedatectl) now`,
      )
    } else if (forward < -jump && isWaiting) {
      // Somebody has set it right: what looked old is not.
      steadyAt = monotonic()
    }
    if (isWaiting && monotonic() >= steadyAt) {
      isWaiting = false
      log.info({}, 'the clock is stable again: deletions go on')
    }
  }

  const timer = setInterval(look, o.checkEvery ?? 10_000).unref()
  return {
    isSteady() {
      look()
      return !isWaiting
    },
    stop: () => clearInterval(timer),
  }
}
