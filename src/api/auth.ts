import type { Context } from 'koa'
import type { Config } from '../config/config.ts'
import { isStorageError, StorageError } from '../errors.ts'
import type { ApiDeps, Gate } from './deps.ts'
import { isForAnonymous, isDeveloper, isForeign, isOnLoopback } from './origin.ts'
import { unauthenticated } from './token-refusal.ts'

/**
 * Identifies the user. Invalid credentials are always rejected, even where requests without credentials are allowed.
 */
export function createAuthenticator(deps: ApiDeps): Gate['authenticate'] {
  const { config } = deps

  /** Counts failures only. A valid token is accepted even after other clients failed. */
  async function verify(ctx: Context, token: () => string): Promise<string> {
    try {
      return await deps.verifyToken(token())
    } catch (error) {
      if (isStorageError(error, 'Unauthenticated') && !isOnLoopback(ctx.req, { config, apiUrl: deps.urls.api() }))
        await deps.countFailure(ctx)
      throw error
    }
  }

  return async (ctx, { changes = false } = {}) => {
    const site = { config, apiUrl: deps.urls.api() }
    const header = ctx.get('authorization')
    if (header !== '') return { user: await verify(ctx, () => bearerOf(header, config.auth)), via: 'bearer' }
    const cookie = ctx.cookies.get(config.auth.cookie)
    if (cookie !== undefined && cookie !== '') {
      if (isForeign(ctx.req, { ...site, changes })) throw foreignOrigin(ctx.get('origin'))
      return { user: await verify(ctx, () => cookie), via: 'cookie' }
    }
    if (deps.dev && isDeveloper(ctx.req)) return { user: 'dev', via: 'dev' }
    if (config.auth.anonymous !== null) {
      if (!isForAnonymous(ctx.req, site)) throw notForAnonymous(ctx, site.apiUrl)
      return { user: config.auth.anonymous, via: 'anonymous' }
    }
    throw unauthenticated(config.auth, 'This request needs a signed-in user.')
  }
}

function bearerOf(header: string, auth: Config['auth']): string {
  const token = /^Bearer +([\w.~+/=-]+) *$/i.exec(header)?.[1]
  if (token !== undefined) return token
  throw unauthenticated(auth, 'The Authorization header is not of the form "Bearer <token>".')
}

const foreignOrigin = (origin: string): StorageError =>
  new StorageError('OriginRefused', {
    message:
      origin === ''
        ? 'This request uses a cookie but could have been sent by another site. Send content-type: application/json, the header x-requested-with, or a bearer token.'
        : `A page at ${origin} may not use this user's cookie. List its origin in cors.origins, or send a bearer token.`,
  })

function notForAnonymous(ctx: Context, apiUrl: string): StorageError {
  const origin = ctx.get('origin')
  const what = origin === '' ? `The Host ${ctx.get('host') || '(none)'}` : `A page at ${origin}`
  return new StorageError('OriginRefused', {
    message: `${what} may not use this server without credentials. Only ${apiUrl} allows that (auth.anonymous). Set server.publicUrl to the URL that clients use and list pages in cors.origins, or send a bearer token.`,
  })
}
