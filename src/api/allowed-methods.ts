import type { Context, Middleware } from 'koa'
import { RequestRefused } from '../http/guard.ts'

/** The methods that a path accepts in addition to OPTIONS. Empty for an unknown path. */
export type MethodsAt = (path: string) => readonly string[]

/** Sets Allow on every 405 (RFC 9110 §15.5.6). */
export const nameAllowedMethods =
  (methodsAt: MethodsAt): Middleware =>
  async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      if (error instanceof RequestRefused && error.code === 'MethodNotAllowed') allow(ctx, methodsAt(ctx.path))
      throw error
    }
  }

/** Answers OPTIONS for known paths and rejects methods that a path does not accept. */
export const refuseOtherMethods =
  (methodsAt: MethodsAt): Middleware =>
  (ctx, next) => {
    const methods = methodsAt(ctx.path)
    if (methods.length === 0 || methods.includes(ctx.method)) return next()
    if (ctx.method !== 'OPTIONS') {
      throw new RequestRefused('MethodNotAllowed', `${ctx.method} is not allowed here. Allowed: ${methods.join(', ')}.`)
    }
    allow(ctx, methods)
    ctx.status = 204
    return Promise.resolve()
  }

const allow = (ctx: Context, methods: readonly string[]): void =>
  ctx.set('allow', (methods.length === 0 ? methods : [...methods, 'OPTIONS']).join(', '))
