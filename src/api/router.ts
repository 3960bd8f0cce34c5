import { Router } from '@koa/router'
import type { Context, Middleware } from 'koa'
import { StorageError } from '../errors.ts'
import { adminsOnly, isAdmin, isOperator } from './admin.ts'
import type { MethodsAt } from './allowed-methods.ts'
import { readJson } from './body.ts'
import type { Gate, Route, RouteDeps } from './deps.ts'
import { isEmbedded } from './origin.ts'
import { demandReady } from './ready.ts'

/** Authenticates and rate-limits before any byte of the body is read. */
export function createRouter(routes: readonly Route[], deps: RouteDeps, gate: Gate): ApiRouter {
  const router = new Router({ sensitive: true })
  const routeOf = new Map<object, Route>()
  for (const route of routes) {
    const methods = route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]
    const layer = router.register(route.path, methods, async (ctx) => {
      ctx.state['route'] = route.path
      ctx.state['params'] = ctx['params']
      const run = (): Promise<void> => answer(ctx, route)
      if (!deps.intercept) return run()
      const query = new Map(new URLSearchParams(ctx.querystring))
      const { req, res } = ctx
      await deps.intercept({ api: 'api', req, res, operation: route.path, bucket: null, key: null, query }, run)
    })
    routeOf.set(layer, route)
  }
  async function answer(ctx: Context, route: Route): Promise<void> {
    if (route.changes) refuseEmbedded(ctx)
    let user = ''
    let admin = false
    if (route.access !== 'anyone' && !(route.access === 'operator' && isOperator(ctx.req, deps.config))) {
      const who = await gate.authenticate(ctx, { changes: route.changes ?? false })
      await gate.limitRequests(ctx, who)
      user = who.user
      ctx.state['user'] = user
      admin = isAdmin(who, deps)
      if (route.access !== 'user' && !admin) throw adminsOnly(user)
      if (route.grants) await demandReady(ctx, deps)
      if (route.issues) await gate.limit(ctx, who)
    }
    const body = route.method === 'POST' || route.method === 'PATCH' ? await readJson(ctx, route.maxBody) : {}
    await route.run({ ctx, deps, user, admin, body })
    if (typeof ctx.body === 'object') ctx.state['answered'] = ctx.body
  }

  /** `/files/confirm` is a route, not a file of that name. Where several paths match, the most literal ones count. */
  const methodsAt: MethodsAt = (path) => {
    const layers = router.match(path, 'OPTIONS').path
    const fewest = Math.min(...layers.map(({ paramNames }) => paramNames.length))
    const fitting = layers.filter(({ paramNames }) => paramNames.length === fewest)
    return [...new Set(fitting.flatMap((layer) => methodsOf(routeOf.get(layer))))]
  }
  return { routes: router.routes() as Middleware, methodsAt }
}

export type ApiRouter = { routes: Middleware; methodsAt: MethodsAt }

function methodsOf(route: Route | undefined): readonly string[] {
  if (!route) return []
  return route.method === 'GET' && !route.changes ? ['GET', 'HEAD'] : [route.method]
}

/** Rejects a GET with side effects that was not sent by a script. */
function refuseEmbedded(ctx: Context): void {
  if (!isEmbedded(ctx.req)) return
  throw new StorageError('OriginRefused', { message: "Another site's link or image may not request this. Use fetch." })
}
