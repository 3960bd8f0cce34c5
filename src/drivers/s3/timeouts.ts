/** Timeouts for each kind of call. A data call is limited by its progress, not by its total time. */

/** Milliseconds. */
export type Timeouts = {
  /** A check of whether the bucket responds. */
  probe: number
  /** A call without a body, with all its retries. */
  metadata: number
  /** A data call without progress while it waits for the bucket. */
  stall: number
  /** A call in which the store copies bytes, which takes minutes on AWS. `storage.s3.operationTimeout`. */
  operation: number
}

export const usualTimeouts: Timeouts = { probe: 3000, metadata: 15_000, stall: 60_000, operation: 600_000 }

/** Bytes per second. A body in memory that is sent more slowly counts as stalled. */
const slowest = 64 * 1024

/** After a timeout of these operations, the store may still be working. */
const long = new Set(['completeMultipartUpload', 'copyObject', 'uploadPartCopy'])

export function timeoutsFor(operation: string, timeouts: Timeouts, bytes: number | undefined): number {
  if (bytes !== undefined) return timeouts.stall + (bytes / slowest) * 1000
  return long.has(operation) ? timeouts.operation : timeouts.metadata
}

/** The abort reason of a call without a response. */
export class StallTimeout extends Error {
  override readonly name = 'TimeoutError'
  readonly seconds: number
  constructor(milliseconds: number) {
    const seconds = milliseconds / 1000
    super(`no response within ${seconds} s`)
    this.seconds = seconds
  }
}

/**
 * Calls `end` after `timeout` milliseconds without progress while waiting for the bucket. Time spent waiting for the
 * client does not count.
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
