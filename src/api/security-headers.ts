import helmet from 'koa-helmet'
import type { Middleware } from 'koa'
import { vary } from '../http/cors.ts'
import type { ApiDeps } from './deps.ts'

/** Headers for every response of the API's origin. Pages may connect only to this server and the stores. */
export function securityHeaders(deps: Pick<ApiDeps, 'config' | 'objectsOrigin' | 'otherOrigins' | 'urls'>): Middleware {
  const store = (): string => {
    return [...new Set([deps.objectsOrigin(), ...(deps.otherOrigins?.() ?? []), ...publicOrigin(deps.config)])].join(
      ' ',
    )
  }
  const headers = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        fontSrc: ["'self'"],
        imgSrc: ["'self'", 'blob:', store],
        mediaSrc: ["'self'", 'blob:', store],
        frameSrc: [store, 'blob:'],
        connectSrc: ["'self'", store],
        workerSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    // Sent only if the public URL is https.
    strictTransportSecurity: deps.config.server.publicUrl.startsWith('https:'),
  })
  return async (ctx, next) => {
    await headers(ctx, async () => {})
    ctx.set('cache-control', 'no-store')
    await next()
    // Keeps Origin in Vary even if a middleware sets Vary, so that shared caches keep origins apart.
    if (!ctx.headerSent) vary(ctx.res, 'Origin')
  }
}

const publicOrigin = ({ downloads }: ApiDeps['config']): string[] =>
  downloads.publicBaseUrl === null ? [] : [new URL(downloads.publicBaseUrl).origin]
