/** Creates the request event of each request of an app. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Context, Middleware } from 'koa'
import type { ClientIp } from './client-ip.ts'
import { isServerFault, type Outcome, type RequestEvent, type RequestFacts, type RequestSink } from './request-event.ts'

function outcomeOf(status: number | null, complete: boolean): Outcome {
  if (status === null) return 'aborted'
  if (isServerFault(status)) return 'failed'
  if (status >= 400) return 'refused'
  return complete ? 'ok' : 'aborted'
}

/** Creates an event when the connection of a request is done with it, and passes it to every sink. */
export function reportRequests(
  o: { app: RequestEvent['app']; sinks: readonly RequestSink[]; clientIp: ClientIp; now: () => Date },
  factsOf: (ctx: Context) => RequestFacts,
): Middleware {
  const bytesOf = createByteCount()
  return (ctx, next) => {
    const { req, res } = ctx
    const at = o.now().getTime()
    const begun = performance.now()
    // Read now, because a closed socket has no peer address.
    const ip = o.clientIp(req)
    res.once('close', () => {
      const facts = factsOf(ctx)
      const status = res.headersSent ? res.statusCode : null
      const { traceparent } = req.headers
      const event: RequestEvent = {
        app: o.app,
        method: req.method ?? '',
        target: req.url ?? '',
        status,
        outcome: outcomeOf(status, res.writableFinished),
        at,
        ms: performance.now() - begun,
        ...bytesOf(req.socket),
        size: sizeOf(req, res),
        requestId: String(ctx.state['requestId']),
        ip,
        traceparent: typeof traceparent === 'string' ? traceparent : null,
        rawHeaders: facts.refusal !== null && o.app === 'objects' ? req.rawHeaders : null,
        ...facts,
      }
      for (const sink of o.sinks) sink(event)
    })
    return next()
  }
}

/** Bytes of a connection since the last call. */
function createByteCount(): (socket: Socket) => { received: number; sent: number } {
  const counted = new WeakMap<Socket, { read: number; written: number }>()
  return (socket) => {
    const before = counted.get(socket) ?? { read: 0, written: 0 }
    const { bytesRead: read, bytesWritten: written } = socket
    counted.set(socket, { read, written })
    return { received: read - before.read, sent: written - before.written }
  }
}

function sizeOf(req: IncomingMessage, res: ServerResponse): number | null {
  const reads = req.method === 'GET' || req.method === 'HEAD'
  const said = reads
    ? res.getHeader('content-length')
    : (req.headers['x-amz-decoded-content-length'] ?? req.headers['content-length'])
  const size = Number(said)
  return said === undefined || !Number.isSafeInteger(size) || size < 0 ? null : size
}
