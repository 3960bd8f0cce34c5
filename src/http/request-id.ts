import { randomFillSync } from 'node:crypto'
import type { Middleware } from 'koa'

/** 16 hex digits from the system's random source: it names one request in the answer, in its body and in the log. */
export function newRequestId(): string {
  // The system is asked for many at once: one call costs as much as a hundred ids.
  if (used === random.length) {
    randomFillSync(random)
    used = 0
  }
  return random.toString('hex', used, (used += idBytes)).toUpperCase()
}

const idBytes = 8
const random = Buffer.alloc(256 * idBytes)
let used = random.length

/**
 * Sets `ctx.state.requestId` and the header on every answer. What a client sends under that name is ignored: it would
 * let one caller write another's log lines.
 */
export function requestId(header: 'x-request-id' | 'x-amz-request-id'): Middleware {
  return (ctx, next) => {
    const id = newRequestId()
    ctx.state['requestId'] = id
    ctx.res.setHeader(header, id)
    return next()
  }
}
