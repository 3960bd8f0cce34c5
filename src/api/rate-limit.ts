import type { Context } from 'koa'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Config } from '../config/schema.ts'
import { StorageError } from '../errors.ts'
import { createClientIp } from '../http/client-ip.ts'
import type { Identity } from './deps.ts'

/** Errors: TooManyRequests, with the seconds to wait. */
export type RateLimit = (ctx: Context, who: Identity) => Promise<void>

/** One allowance a user; requests without a user share one an address, as far as proxies can be believed. */
export function createRateLimit({ limits, server }: Config): RateLimit {
  if (limits.store !== 'memory') {
    throw new StorageError('NotSupported', { message: 'limits.store: only memory is supported by this version.' })
  }
  const limiter = new RateLimiterMemory({ points: limits.issuePerMinute, duration: 60 })
  const clientIp = createClientIp(server.trustedProxies)
  return async (ctx, { user, via }) => {
    const key = via === 'anonymous' ? `ip:${clientIp(ctx.req)}` : `user:${user}`
    try {
      await limiter.consume(key)
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused
      const retryAfter = Math.ceil(refused.msBeforeNext / 1000)
      throw new StorageError('TooManyRequests', {
        message: `${limits.issuePerMinute} upload URLs a minute are allowed. Ask again in ${retryAfter} s.`,
        retryAfter,
      })
    }
  }
}
