import type { Context } from 'koa'
import type { Config } from '../config/schema.ts'
import { StorageError } from '../errors.ts'
import type { ApiDeps, Identity } from './deps.ts'
import { isForeign, isLocal } from './origin.ts'
import { unauthenticated } from './token-refusal.ts'

/** Who asks. Credentials that are sent and wrong are refused, whatever a request without any would be. */
export function createAuthenticator(deps: ApiDeps): (ctx: Context) => Promise<Identity> {
  const { config, verifyToken: verify } = deps

  return async (ctx) => {
    const header = ctx.get('authorization')
    if (header !== '') return { user: await verify(bearerOf(header, config.auth)), via: 'bearer' }
    const cookie = ctx.cookies.get(config.auth.cookie)
    if (cookie !== undefined && cookie !== '') {
      if (isForeign(ctx.req, { config, apiUrl: deps.urls.api() })) throw foreignOrigin(ctx.get('origin'))
      return { user: await verify(cookie), via: 'cookie' }
    }
    if (deps.dev && isLocal(ctx.req)) return { user: 'dev', via: 'dev' }
    if (config.auth.anonymous !== null) return { user: config.auth.anonymous, via: 'anonymous' }
    throw unauthenticated(config.auth, 'This needs a user.')
  }
}

function bearerOf(header: string, auth: Config['auth']): string {
  const token = /^Bearer +([\w.~+/=-]+) *$/i.exec(header)?.[1]
  if (token !== undefined) return token
  throw unauthenticated(auth, 'The Authorization header is not of the form "Bearer <token>".')
}

const foreignOrigin = (origin: string) =>
  new StorageError('OriginRefused', {
    message: `A page at ${origin || 'another site'} may not act with this user's cookie. List its origin in cors.origins, or send a bearer token.`,
  })
