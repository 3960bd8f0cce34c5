/** How often users may ask and clients may fail to sign in, counted in one process, in all its workers, or in Redis. */
import type { Context } from 'koa'
import type { Logger } from '../log.ts'
import { RateLimiterCluster, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Config } from '../config/schema.ts'
import { StorageError } from '../errors.ts'
import { createClientIp, networkOf } from '../http/client-ip.ts'
import type { Identity } from './deps.ts'

/** Errors: TooManyRequests, with the seconds to wait. */
export type RateLimit = (ctx: Context, who: Identity) => Promise<void>

/** Counts a refused credential. Errors: TooManyRequests, in place of the refusal. */
export type CountFailure = (ctx: Context) => Promise<void>

type Kind = 'issue' | 'request' | 'failure'
type Allowances = Readonly<Record<Kind, { points: number; duration: number }>>

type Limiter = { consume(key: string): Promise<unknown> }
/** `reason`: why the store is of no use, where it knows better than the request that failed. */
type Store = { limiters: Readonly<Record<Kind, Limiter>>; reason?: () => Error | null; close(): void }

/** Milliseconds after which a store that does not answer is done without. */
const patience = 1000
/** Milliseconds after which a connection on which nothing is answered is given up for a new one. */
const longestSilence = 5000

/**
 * Allowances of each user; requests without a user share one an address, as far as proxies can be believed. `isWorker`:
 * other processes share the memory's counts through the primary.
 */
export async function createRateLimit(
  { limits, server }: Config,
  o: { log: Logger; isWorker: boolean },
): Promise<{ limit: RateLimit; limitRequests: RateLimit; countFailure: CountFailure; close(): void }> {
  const perMinute = (points: number) => ({ points, duration: 60 })
  const allowances = {
    issue: perMinute(limits.issuePerMinute),
    request: perMinute(limits.requestsPerMinute),
    failure: perMinute(limits.authFailuresPerMinute),
  }
  const store = await openStore(limits.store, allowances, o.isWorker)
  const consume = insured(
    store,
    each((kind) => new RateLimiterMemory(allowances[kind])),
    o.log,
  )
  const clientIp = createClientIp(server.trustedProxies)

  const clientOf = (ctx: Context): string => `ip:${networkOf(clientIp(ctx.req))}`

  async function count(kind: Kind, key: string, message: string): Promise<void> {
    try {
      await consume(kind, key)
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused
      const retryAfter = Math.max(1, Math.ceil(refused.msBeforeNext / 1000))
      throw new StorageError('TooManyRequests', { message: `${message} Ask again in ${retryAfter} s.`, retryAfter })
    }
  }
  const limiting =
    (kind: Kind, message: string): RateLimit =>
    (ctx, { user, via }) =>
      count(kind, via === 'anonymous' ? clientOf(ctx) : `user:${user}`, message)

  return {
    limit: limiting('issue', `${limits.issuePerMinute} upload URLs a minute are allowed.`),
    limitRequests: limiting(
      'request',
      `${limits.requestsPerMinute} requests a minute are allowed (limits.requestsPerMinute).`,
    ),
    countFailure: (ctx) =>
      count(
        'failure',
        clientOf(ctx),
        `${limits.authFailuresPerMinute} refused credentials a minute are answered (limits.authFailuresPerMinute).`,
      ),
    close: () => store.close(),
  }
}

const each = <T>(make: (kind: Kind) => T): Record<Kind, T> => ({
  issue: make('issue'),
  request: make('request'),
  failure: make('failure'),
})

async function openStore(store: string, allowances: Allowances, isWorker: boolean): Promise<Store> {
  if (store === 'memory') {
    const limiters = each((kind) =>
      isWorker
        ? new RateLimiterCluster({ ...allowances[kind], keyPrefix: kind, timeoutMs: patience })
        : new RateLimiterMemory(allowances[kind]),
    )
    return { limiters, close: () => {} }
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
    limiters: each(
      (kind) => new RateLimiterRedis({ ...allowances[kind], storeClient: redis, keyPrefix: `postern:${kind}` }),
    ),
    reason: () => failure,
    close: () => redis.disconnect(),
  }
}

/** While the store is away this process counts alone: its users may have a little more than is allowed, not without end. */
function insured(
  { limiters, reason }: Store,
  insurance: Readonly<Record<Kind, Limiter>>,
  log: Logger,
): (kind: Kind, key: string) => Promise<void> {
  let away = false
  let isAsking = false
  const tell = (isAway: boolean, err?: unknown): void => {
    if (away === isAway) return
    away = isAway
    if (isAway) log.error({ err }, 'limits.store does not answer: until it does, each process counts by itself')
    else log.info('limits.store answers again')
  }
  /** Resolves to false where the store did not count. */
  async function consume(kind: Kind, key: string): Promise<boolean> {
    try {
      await limiters[kind].consume(key)
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
  function askAgain(kind: Kind, key: string): void {
    if (isAsking) return
    isAsking = true
    void consume(kind, key)
      .catch(() => {})
      .finally(() => (isAsking = false))
  }
  return async (kind, key) => {
    if (away) askAgain(kind, key)
    else if (await consume(kind, key)) return
    await insurance[kind].consume(key)
  }
}
