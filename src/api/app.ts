/** The JSON API as a Koa app: what every request passes, from outside to inside. */
import Koa from 'koa'
import { StorageError } from '../errors.ts'
import { accessLog } from '../http/access-log.ts'
import { createClientIp } from '../http/client-ip.ts'
import { cors, type CorsPolicy } from '../http/cors.ts'
import { guardRequest } from '../http/guard.ts'
import { requestId } from '../http/request-id.ts'
import { createAuthenticator } from './auth.ts'
import { serveConsole } from './console.ts'
import type { ApiDeps } from './deps.ts'
import { problems } from './problem.ts'
import { createRateLimit } from './rate-limit.ts'
import { createRouter } from './router.ts'
import { routes } from './routes/table.ts'
import { securityHeaders } from './security-headers.ts'

export type { ApiDeps } from './deps.ts'

export function createApi(deps: ApiDeps): Koa {
  const { config, log } = deps
  const app = new Koa({ proxy: false })
  app.silent = true
  app.on('error', (err: unknown) => log.warn({ err }, 'an answer could not be sent'))

  const gate = { authenticate: createAuthenticator(deps), limit: createRateLimit(config) }
  app.use(requestId('x-request-id'))
  app.use(accessLog(log, createClientIp(config.server.trustedProxies)))
  app.use(securityHeaders(deps))
  app.use(problems(log))
  app.use((ctx, next) => {
    guardRequest(ctx.req)
    return next()
  })
  app.use(cors(corsPolicy(config.cors.origins)))
  for (const middleware of createRouter(routes, deps, gate)) app.use(middleware)
  app.use(serveConsole())
  app.use(() => {
    throw new StorageError('NotFound', { message: 'There is nothing at this address.' })
  })
  return app
}

const corsPolicy = (origins: readonly string[]): CorsPolicy => ({
  origins,
  methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
  headers: 'any',
  expose: ['Location', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
  maxAge: 600,
  credentials: true,
})
