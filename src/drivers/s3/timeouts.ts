/** How long each kind of call may take. A data call is measured by its progress, not by its whole time. */

/** Milliseconds. */
export type Timeouts = {
  /** What tells whether the bucket is there. */
  probe: number
  /** One call that moves no bytes, with all its retries. */
  metadata: number
  /** A data call in which nothing moves while it waits for the bucket. */
  stall: number
  /** A call in which the store itself moves bytes: on AWS, minutes. `storage.s3.operationTimeout`. */
  operation: number
}

export const usualTimeouts: Timeouts = { probe: 3000, metadata: 15_000, stall: 60_000, operation: 600_000 }

/** Bytes a second: a body in memory that moves more slowly counts as one that does not move. */
const slowest = 64 * 1024

/** After these it is not known whether the store still does what it was asked. */
const long = new Set(['completeMultipartUpload', 'copyObject', 'uploadPartCopy'])

export function timeoutsFor(operation: string, timeouts: Timeouts, bytes: number | undefined): number {
  if (bytes !== undefined) return timeouts.stall + (bytes / slowest) * 1000
  return long.has(operation) ? timeouts.operation : timeouts.metadata
}

/** The reason with which a call is ended that got no answer. */
export class StallTimeout extends Error {
  override readonly name = 'TimeoutError'
  readonly seconds: number
  constructor(milliseconds: number) {
    const seconds = milliseconds / 1000
    super(`no answer within ${seconds} s`)
    this.seconds = seconds
  }
}

/**
 * Calls `end` once nothing has moved for `timeout` milliseconds while the bucket was waited for. Time in which the
 * client is waited for does not count.
 */
export function watchStall(
  timeout: number,
  what: { isWaiting: () => boolean; moved: () => number },
  end: (reason: StallTimeout) => void,
): { stop(): void } {
  let last = what.moved()
  let since = performance.now()
  const timer = setInterval(
    () => {
      const now = performance.now()
      const moved = what.moved()
      if (moved !== last || !what.isWaiting()) {
        last = moved
        since = now
      } else if (now - since >= timeout) {
        clearInterval(timer)
        end(new StallTimeout(timeout))
      }
    },
    Math.max(10, timeout / 8),
  )
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
