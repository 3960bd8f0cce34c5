import { Router } from '@koa/router'
import type { Context, Middleware } from 'koa'
import { StorageError } from '../errors.ts'
import { RequestRefused } from '../http/guard.ts'
import { adminsOnly, isAdmin, isOperator } from './admin.ts'
import { readJson } from './body.ts'
import type { Gate, Route, RouteDeps } from './deps.ts'
import { isEmbedded } from './origin.ts'

/** Who asks and how often is settled before a byte of the body is read. */
export function createRouter(routes: readonly Route[], deps: RouteDeps, gate: Gate): Middleware[] {
  const router = new Router({ sensitive: true })
  for (const route of routes) {
    router.register(route.path, route.method === 'GET' ? ['GET', 'HEAD'] : [route.method], async (ctx) => {
      ctx.state['route'] = route.path
      ctx.state['params'] = ctx['params']
      if (route.changes) refuseUnasked(ctx)
      let user = ''
      let admin = false
      if (route.access !== 'anyone' && !(route.access === 'operator' && isOperator(ctx.req, deps.config))) {
        const who = await gate.authenticate(ctx)
        user = who.user
        ctx.state['user'] = user
        admin = isAdmin(who, deps)
        if (route.access !== 'user' && !admin) throw adminsOnly(user)
        if (route.issues) await gate.limit(ctx, who)
      }
      const body = route.method === 'POST' || route.method === 'PATCH' ? await readJson(ctx, route.maxBody) : {}
      await route.run({ ctx, deps, user, admin, body })
      if (typeof ctx.body === 'object') ctx.state['answered'] = ctx.body
    })
  }
  return [router.routes() as Middleware, otherMethods]
}

/** What a GET that changes something must not be: a look at the headers alone, or sent without any script's doing. */
function refuseUnasked(ctx: Context): void {
  if (ctx.method === 'HEAD') throw new RequestRefused('MethodNotAllowed', 'HEAD is not allowed here. Allowed: GET.')
  if (!isEmbedded(ctx.req)) return
  throw new StorageError('OriginRefused', { message: 'No link or image of another site may ask for this: use fetch.' })
}

type Matched = { matched?: { methods: string[] }[] }

/** A path that is known, by a method that is not. */
const otherMethods: Middleware = (ctx, next) => {
  const allowed = new Set((ctx as unknown as Matched).matched?.flatMap(({ methods }) => methods))
  if (allowed.size === 0) return next()
  ctx.set('allow', [...allowed, 'OPTIONS'].join(', '))
  if (ctx.method !== 'OPTIONS') {
    throw new RequestRefused(
      'MethodNotAllowed',
      `${ctx.method} is not allowed here. Allowed: ${[...allowed].join(', ')}.`,
    )
  }
  ctx.status = 204
  return Promise.resolve()
}
