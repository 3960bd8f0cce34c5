/** How many upload URLs a user may ask for, counted in one process, in all workers of a gateway, or in Redis for many. */
import type { Context } from 'koa'
import type { Logger } from 'pino'
import { RateLimiterCluster, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Config } from '../config/schema.ts'
import { StorageError } from '../errors.ts'
import { createClientIp, networkOf } from '../http/client-ip.ts'
import type { Identity } from './deps.ts'

/** Errors: TooManyRequests, with the seconds to wait. */
export type RateLimit = (ctx: Context, who: Identity) => Promise<void>

type Limiter = { consume(key: string): Promise<unknown> }
/** `reason`: why the store is of no use, where it knows better than the request that failed. */
type Store = { limiter: Limiter; reason?: () => Error | null; close(): void }

/** Milliseconds after which a store that does not answer is done without. */
const patience = 1000
/** Milliseconds after which a connection on which nothing is answered is given up for a new one. */
const longestSilence = 5000

/**
 * One allowance a user; requests without a user share one an address, as far as proxies can be believed. `isWorker`:
 * other processes share the memory's counts through the primary.
 */
export async function createRateLimit(
  { limits, server }: Config,
  o: { log: Logger; isWorker: boolean },
): Promise<{ limit: RateLimit; close(): void }> {
  const allowance = { points: limits.issuePerMinute, duration: 60 }
  const store = await openStore(limits.store, allowance, o.isWorker)
  const consume = insured(store, new RateLimiterMemory(allowance), o.log)
  const clientIp = createClientIp(server.trustedProxies)

  async function limit(ctx: Context, { user, via }: Identity): Promise<void> {
    try {
      await consume(via === 'anonymous' ? `ip:${networkOf(clientIp(ctx.req))}` : `user:${user}`)
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused
      const retryAfter = Math.max(1, Math.ceil(refused.msBeforeNext / 1000))
      throw new StorageError('TooManyRequests', {
        message: `${limits.issuePerMinute} upload URLs a minute are allowed. Ask again in ${retryAfter} s.`,
        retryAfter,
      })
    }
  }
  return { limit, close: () => store.close() }
}

async function openStore(
  store: string,
  allowance: { points: number; duration: number },
  isWorker: boolean,
): Promise<Store> {
  if (store === 'memory') {
    const limiter = isWorker
      ? new RateLimiterCluster({ ...allowance, keyPrefix: 'issue', timeoutMs: patience })
      : new RateLimiterMemory(allowance)
    return { limiter, close: () => {} }
  }
  const { Redis } = await import('ioredis')
  const redis = new Redis(store, {
    lazyConnect: true,
    // A request does not wait for Redis to come back.
    enableOfflineQueue: false,
    connectTimeout: 2000,
    commandTimeout: patience,
    socketTimeout: longestSilence,
    maxRetriesPerRequest: 0,
    // After a failover the name leads to another server; this connection stays with what is a replica by now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    retryStrategy: (attempt) => Math.min(attempt * 100, 2000),
    connectionName: 'postern',
  })
  let failure: Error | null = null
  // Told by the request that finds it away; without a listener the library writes to the console.
  redis.on('error', (error) => (failure = error))
  redis.on('ready', () => (failure = null))
  await redis.connect().catch(() => {})
  return {
    limiter: new RateLimiterRedis({ ...allowance, storeClient: redis, keyPrefix: 'postern:issue' }),
    reason: () => failure,
    close: () => redis.disconnect(),
  }
}

/** While the store is away this process counts alone: its users may have a little more than is allowed, not without end. */
function insured({ limiter, reason }: Store, insurance: Limiter, log: Logger): (key: string) => Promise<void> {
  let away = false
  let isAsking = false
  const tell = (isAway: boolean, err?: unknown): void => {
    if (away === isAway) return
    away = isAway
    if (isAway) log.error({ err }, 'limits.store does not answer: until it does, each process counts by itself')
    else log.info('limits.store answers again')
  }
  /** Resolves to false where the store did not count. */
  async function consume(key: string): Promise<boolean> {
    try {
      await limiter.consume(key)
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) {
        tell(true, reason?.() ?? error)
        return false
      }
      tell(false)
      throw error
    }
    tell(false)
    return true
  }
  /** One question at a time, for which no request waits: what is asked of a store that hangs would pile up. */
  function askAgain(key: string): void {
    if (isAsking) return
    isAsking = true
    void consume(key)
      .catch(() => {})
      .finally(() => (isAsking = false))
  }
  return async (key) => {
    if (away) askAgain(key)
    else if (await consume(key)) return
    await insurance.consume(key)
  }
}
