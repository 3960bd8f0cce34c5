import { randomFillSync } from 'node:crypto'
import type { Middleware } from 'koa'

/** 16 random hex digits. They identify a request in the response, its body and the log. */
export function newRequestId(): string {
  // Random bytes are fetched in bulk, because one system call costs as much as a hundred ids.
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
 * Sets `ctx.state.requestId` and the response header. A client's own header is ignored, because it could imitate
 * another request in the log.
 */
export function requestId(header: 'x-request-id' | 'x-amz-request-id'): Middleware {
  return (ctx, next) => {
    const id = newRequestId()
    ctx.state['requestId'] = id
    ctx.res.setHeader(header, id)
    return next()
  }
}
