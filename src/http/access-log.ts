import type { Middleware } from 'koa'
import { maskTarget, type Logger } from './logger.ts'
import type { ClientIp } from './client-ip.ts'

/**
 * One line per answered request. `ctx.state.principal` or `ctx.state.user` (strings) name who asked, where a later
 * middleware knows.
 */
export function accessLog(log: Logger, clientIp: ClientIp): Middleware {
  return (ctx, next) => {
    if (!log.isLevelEnabled('info')) return next()
    const { req, res } = ctx
    const begun = performance.now()
    const ip = clientIp(req)
    const target = req.url ?? ''
    res.once('close', () => {
      const status = res.statusCode
      const entry = {
        requestId: ctx.state['requestId'],
        method: req.method,
        url: maskTarget(target),
        status,
        ms: Math.round((performance.now() - begun) * 10) / 10,
        ip,
        user: ctx.state['user'],
        aborted: res.writableFinished ? undefined : true,
      }
      if (status >= 500 && status !== 501) log.error(entry, 'answered')
      else log.info(entry, 'answered')
    })
    return next()
  }
}
