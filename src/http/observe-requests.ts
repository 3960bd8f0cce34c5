import type { Socket } from 'node:net'
import type { Context, Middleware } from 'koa'

/** One answered request, for whoever counts or takes down what happened. Nothing in it grants access. */
export type ObservedRequest = {
  app: 'api' | 'objects'
  /** The route's template or the S3 operation's name: never a path, of which there is no end. */
  route: string
  method: string
  /** null where the client had gone before an answer. */
  status: number | null
  /** When it began, in milliseconds since 1970. */
  at: number
  seconds: number
  /** Bytes on the wire since the connection's last request, heads included. */
  received: number
  sent: number
  requestId: string
  /** Who proved to be asking; null for a URL that the gateway signed, and for nobody. */
  user: string | null
  bucket: string | null
  key: string | null
  /** Of the JSON API's file. */
  file: string | null
  /** The code with which it was refused. */
  refusal: string | null
  ip: string
  /** The header of that name, as sent. */
  traceparent: string | null
}

export type Observer = (request: ObservedRequest) => void

/** What only the app knows, asked once the request is answered. */
export type Facts = Pick<ObservedRequest, 'route' | 'user' | 'bucket' | 'key' | 'file' | 'refusal'>

/** How a request ended, in one word. */
export function outcomeOf(status: number | null): 'ok' | 'refused' | 'failed' | 'aborted' {
  if (status === null) return 'aborted'
  if (status >= 500 && status !== 501) return 'failed'
  return status >= 400 ? 'refused' : 'ok'
}

/** Tells `observe` of each request when it is over. */
export function observeRequests(
  o: { app: ObservedRequest['app']; observe: Observer; clientIp: (req: Context['req']) => string },
  factsOf: (ctx: Context) => Facts,
): Middleware {
  const counted = new WeakMap<Socket, { read: number; written: number }>()

  function bytesOf(socket: Socket): { received: number; sent: number } {
    const before = counted.get(socket) ?? { read: 0, written: 0 }
    const { bytesRead: read, bytesWritten: written } = socket
    counted.set(socket, { read, written })
    return { received: read - before.read, sent: written - before.written }
  }

  return (ctx, next) => {
    const { req, res } = ctx
    const at = Date.now()
    const begun = performance.now()
    // Once it is closed the connection does not tell it any more.
    const ip = o.clientIp(req)
    const { traceparent } = req.headers
    res.once('close', () => {
      o.observe({
        app: o.app,
        method: req.method ?? '',
        status: res.headersSent ? res.statusCode : null,
        at,
        seconds: (performance.now() - begun) / 1000,
        ...bytesOf(req.socket),
        requestId: String(ctx.state['requestId']),
        ip,
        traceparent: typeof traceparent === 'string' ? traceparent : null,
        ...factsOf(ctx),
      })
    })
    return next()
  }
}
