import type { IncomingMessage, ServerResponse } from 'node:http'

export type RateFloor = {
  bytesPerSecond: number
  /** Seconds over which the rate is averaged. */
  window: number
}

type Watched = {
  req: IncomingMessage
  res: ServerResponse
  since: number
  bytes: number
  sent: number
  sentSince: number
}

/**
 * Calls `tooSlow` for a request body below the minimum rate, and for a client that reads nothing for two windows.
 * Time during which the server applies backpressure does not count.
 */
export function watchRates(
  floor: RateFloor,
  tooSlow: (req: IncomingMessage, res: ServerResponse) => void,
): { watch(req: IncomingMessage, res: ServerResponse): void; stop(): void } {
  const running = new Set<Watched>()
  const window = floor.window * 1000
  const least = floor.bytesPerSecond * floor.window

  const look = (): void => {
    const now = performance.now()
    for (const one of running) {
      if (!one.req.complete) lookAtBody(one, now)
      lookAtReader(one, now)
    }
  }

  const lookAtBody = (one: Watched, now: number): void => {
    const { req, res } = one
    const bytes = req.socket.bytesRead
    const heldBack = req.readableLength > 0 || res.headersSent
    if (!heldBack && now - one.since < window) return
    if (!heldBack && bytes - one.bytes < least) {
      running.delete(one)
      tooSlow(req, res)
      return
    }
    one.since = now
    one.bytes = bytes
  }

  const lookAtReader = (one: Watched, now: number): void => {
    const { socket } = one.req
    const sent = socket.bytesWritten - socket.writableLength
    if (socket.writableLength === 0 || sent !== one.sent) {
      one.sent = sent
      one.sentSince = now
    } else if (now - one.sentSince > 2 * window) {
      running.delete(one)
      tooSlow(one.req, one.res)
    }
  }

  const timer = setInterval(look, window / 4)
  timer.unref()
  return {
    watch(req, res) {
      const now = performance.now()
      const one = { req, res, since: now, bytes: req.socket.bytesRead, sent: 0, sentSince: now }
      running.add(one)
      res.once('close', () => running.delete(one))
    },
    stop: () => clearInterval(timer),
  }
}
