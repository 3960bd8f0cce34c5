/**
 * Compares the wall clock with the monotonic clock. A wall clock that jumps forward makes everything look old, so
 * nothing is deleted because of its age until the clock has been stable for a while. URLs and tokens follow the wall
 * clock anyway.
 */
export type SteadyClock = {
  /** Whether deletions because of age are allowed now. */
  isSteady(): boolean
  stop(): void
}

export type SteadyClockOptions = {
  log: { warn(facts: object, message: string): void; info(facts: object, message: string): void }
  /** Seconds without a jump after which deletions continue. */
  stableFor: number
  /** Replace the system's clocks in tests. Milliseconds. */
  wall?: () => number
  monotonic?: () => number
  /** Milliseconds between two comparisons. Default 10 s. `isSteady` compares too. */
  checkEvery?: number
}

/** Milliseconds. Leap seconds and corrections by a time server are far smaller. */
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
        `the clock jumped forward by ${Math.round(forward / jump)} h, or the machine slept. Deletions wait until it has ` +
          `been stable for ${stableFor} s (server.clockStableFor). If the time is wrong, correct it now (timedatectl)`,
      )
    } else if (forward < -jump && isWaiting) {
      // The clock was corrected. Deletions can continue at once.
      steadyAt = monotonic()
    }
    if (isWaiting && monotonic() >= steadyAt) {
      isWaiting = false
      log.info({}, 'the clock is stable again, deletions continue')
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
