import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context, Middleware } from 'koa'
import type { LoggedRequest, RequestLog } from './request-log.ts'

/** What only the app knows of a request, asked once it is answered. */
export type Known = Pick<LoggedRequest, 'user' | 'bucket' | 'key' | 'refusal'>

/** Requests that nobody looks for, and that would push out those that somebody does. */
const noise = /^\/(?:healthz|readyz|metrics|assets\/|console\/|favicon|$|[?])/

/** One entry per answered request. Costs the path of a request nothing but the making of that entry. */
export function recordRequests(
  { log, app, now }: { log: RequestLog; app: LoggedRequest['app']; now: () => Date },
  known: (ctx: Context) => Known,
): Middleware {
  return (ctx, next) => {
    const { req, res } = ctx
    const target = req.url ?? ''
    if (app === 'api' && noise.test(target)) return next()
    const at = now().getTime()
    const begun = performance.now()
    res.once('close', () => {
      const { user, bucket, key, refusal } = known(ctx)
      log.push({
        app,
        at,
        method: req.method ?? '',
        target,
        status: res.headersSent ? res.statusCode : null,
        ms: performance.now() - begun,
        size: sizeOf(req, res),
        aborted: !res.writableFinished,
        requestId: String(ctx.state['requestId']),
        user,
        bucket,
        key,
        refusal,
        // Only a signature needs more than its code to be understood.
        rawHeaders: refusal !== null && app === 'objects' ? req.rawHeaders : null,
      })
    })
    return next()
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
