/** The JSON API as a Koa app: middleware in order, outermost first. */
import Koa, { type Context } from 'koa'
import { StorageError } from '../errors.ts'
import { createClientIp } from '../http/client-ip.ts'
import { cors, type CorsPolicy } from '../http/cors.ts'
import { guardRequest } from '../http/guard.ts'
import { reportRequests } from '../http/report-requests.ts'
import type { Refusal, RequestFacts } from '../http/request-event.ts'
import { requestId } from '../http/request-id.ts'
import { nameAllowedMethods, refuseOtherMethods, type MethodsAt } from './allowed-methods.ts'
import { createAuthenticator } from './auth.ts'
import { isPage, serveConsole } from './console.ts'
import type { ApiDeps } from './deps.ts'
import { problems } from './problem-json.ts'
import { redirectS3Clients } from './s3-clients.ts'
import { createRouter } from './router.ts'
import { routes } from './routes/table.ts'
import { securityHeaders } from './security-headers.ts'
import { createWatchRequests } from './watch-requests.ts'

export type { ApiDeps } from './deps.ts'

export function createApi(deps: ApiDeps): Koa {
  const { config, log } = deps
  const app = new Koa({ proxy: false })
  app.silent = true
  app.on('error', (err: unknown) => log.warn({ err }, 'could not send a response'))

  const gate = { authenticate: createAuthenticator(deps), limit: deps.limit, limitRequests: deps.limitRequests }
  app.use(requestId('x-request-id'))
  const clientIp = createClientIp(config.server.trustedProxies)
  app.use(reportRequests({ app: 'api', sinks: deps.sinks, clientIp, now: deps.now }, factsOf))
  app.use(securityHeaders(deps))
  app.use(problems(log, deps.detailsUrl))
  const router = createRouter(routes, { ...deps, watch: createWatchRequests(deps) }, gate)
  const methodsAt: MethodsAt = (path) => (isPage(path) ? ['GET', 'HEAD'] : router.methodsAt(path))
  app.use(nameAllowedMethods(methodsAt))
  app.use((ctx, next) => {
    guardRequest(ctx.req)
    return next()
  })
  if (deps.testRoutes) app.use(deps.testRoutes)
  app.use(redirectS3Clients(deps.objectsUrl ?? deps.objectsOrigin))
  app.use(cors(corsPolicy(config.cors.origins)))
  app.use(refuseOtherMethods(methodsAt))
  app.use(router.routes)
  app.use(serveConsole())
  app.use(() => {
    throw new StorageError('NotFound', { message: 'There is no route for this path. /docs lists all routes.' })
  })
  return app
}

function factsOf(ctx: Context): RequestFacts {
  const {
    user = null,
    refusal = null,
    route,
    params = {},
    answered = {},
  } = ctx.state as {
    user?: string
    refusal?: Refusal
    route?: string
    params?: Record<string, string>
    answered?: { id?: unknown; key?: unknown }
  }
  const { key } = answered
  // Objects created below a file, such as links, have their own id.
  const below = route?.startsWith('/files/:id/') ?? false
  const id = below ? params['id'] : (answered.id ?? params['id'])
  return {
    operation: route ?? (refusal ? 'none' : 'page'),
    user,
    keyOwner: null,
    bucket: null,
    key: typeof key === 'string' ? key : null,
    file: typeof id === 'string' ? id : null,
    refusal,
  }
}

const corsPolicy = (origins: readonly string[]): CorsPolicy => ({
  origins,
  methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
  expose: ['Location', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
  maxAge: 600,
  credentials: true,
})
