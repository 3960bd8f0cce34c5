/** The JSON API as a Koa app: what every request passes, from outside to inside. */
import Koa, { type Context } from 'koa'
import { StorageError } from '../errors.ts'
import { accessLog } from '../http/access-log.ts'
import { createClientIp } from '../http/client-ip.ts'
import { cors, type CorsPolicy } from '../http/cors.ts'
import { guardRequest } from '../http/guard.ts'
import { observeRequests, type Facts } from '../http/observe-requests.ts'
import { recordRequests, type Known } from '../http/record-requests.ts'
import { requestId } from '../http/request-id.ts'
import type { Refusal } from '../http/request-log.ts'
import { nameAllowedMethods, refuseOtherMethods, type MethodsAt } from './allowed-methods.ts'
import { createAuthenticator } from './auth.ts'
import { isPage, serveConsole } from './console.ts'
import type { ApiDeps } from './deps.ts'
import { problems } from './problem.ts'
import { createRouter } from './router.ts'
import { routes } from './routes/table.ts'
import { securityHeaders } from './security-headers.ts'
import { createWatchRequests } from './watch-requests.ts'

export type { ApiDeps } from './deps.ts'

export function createApi(deps: ApiDeps): Koa {
  const { config, log } = deps
  const app = new Koa({ proxy: false })
  app.silent = true
  app.on('error', (err: unknown) => log.warn({ err }, 'an answer could not be sent'))

  const gate = { authenticate: createAuthenticator(deps), limit: deps.limit }
  app.use(requestId('x-request-id'))
  const clientIp = createClientIp(config.server.trustedProxies)
  app.use(accessLog(log, clientIp))
  app.use(observeRequests({ app: 'api', observe: deps.observe, clientIp }, factsOf))
  app.use(recordRequests({ log: deps.requests, app: 'api', now: deps.now }, knownOf))
  app.use(securityHeaders(deps))
  app.use(problems(log))
  const router = createRouter(routes, { ...deps, watch: createWatchRequests(deps) }, gate)
  const methodsAt: MethodsAt = (path) => (isPage(path) ? ['GET', 'HEAD'] : router.methodsAt(path))
  app.use(nameAllowedMethods(methodsAt))
  app.use((ctx, next) => {
    guardRequest(ctx.req)
    return next()
  })
  app.use(cors(corsPolicy(config.cors.origins)))
  app.use(refuseOtherMethods(methodsAt))
  app.use(router.routes)
  app.use(serveConsole())
  app.use(() => {
    throw new StorageError('NotFound', { message: 'There is nothing at this address.' })
  })
  return app
}

const knownOf = ({ state }: Context): Known => ({
  user: (state['user'] as string | undefined) ?? null,
  bucket: null,
  key: null,
  refusal: (state['refusal'] as Refusal | undefined) ?? null,
})

function factsOf(ctx: Context): Facts {
  const { user, refusal } = knownOf(ctx)
  const {
    route,
    params = {},
    answered = {},
  } = ctx.state as {
    route?: string
    params?: Record<string, string>
    answered?: { id?: unknown; key?: unknown }
  }
  const { key } = answered
  // What is made below a file, a link, has an id of its own.
  const below = route?.startsWith('/files/:id/') ?? false
  const id = below ? params['id'] : (answered.id ?? params['id'])
  return {
    route: route ?? (refusal ? 'none' : 'page'),
    user,
    bucket: null,
    key: typeof key === 'string' ? key : null,
    file: typeof id === 'string' ? id : null,
    refusal: refusal?.code ?? null,
  }
}

const corsPolicy = (origins: readonly string[]): CorsPolicy => ({
  origins,
  methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
  headers: 'any',
  expose: ['Location', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
  maxAge: 600,
  credentials: true,
})
