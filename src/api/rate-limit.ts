/** Rate limits for users and for failed sign-ins, counted per process, across workers, or in Redis. */
import type { Context } from 'koa'
import type { Logger } from '../log.ts'
import { RateLimiterCluster, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Config } from '../config/config.ts'
import { StorageError } from '../errors.ts'
import { createClientIp, networkOf } from '../http/client-ip.ts'
import type { RateLimit, CountFailure } from './deps.ts'

type Kind = 'issue' | 'request' | 'failure'
type Allowances = Readonly<Record<Kind, { points: number; duration: number }>>

type Limiter = { consume(key: string): Promise<unknown> }
/**
 * `reason` says why the store is unusable, if it knows more than the failed request. `isAway`: it did not answer when
 * it was opened.
 */
type Store = {
  limiters: Readonly<Record<Kind, Limiter>>
  isAway?: boolean
  reason?: () => Error | null
  close(): void
}

/** Milliseconds to wait for the store before this process counts alone. */
const storeTimeoutMs = 1000
/** The same for a worker that asks the primary. A busy machine delays both, and counting alone would allow too much. */
const primaryTimeoutMs = 5000
/** Milliseconds for which the start waits for the store. */
const connectPatienceMs = 3000
/** Milliseconds without a response before the connection is replaced. */
const maxSilenceMs = 5000

/**
 * Limits per user. Requests without a user share one limit per address, taken from trusted proxies only. `isWorker`:
 * workers count together through the primary.
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
  const consume = withFallback(
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
      throw new StorageError('TooManyRequests', { message: `${message} Retry in ${retryAfter} s.`, retryAfter })
    }
  }
  const limiting =
    (kind: Kind, message: string): RateLimit =>
    (ctx, { user, via }) =>
      count(kind, via === 'anonymous' ? clientOf(ctx) : `user:${user}`, message)

  return {
    limit: limiting('issue', `The limit is ${limits.issuePerMinute} upload URLs per minute (limits.issuePerMinute).`),
    limitRequests: limiting(
      'request',
      `The limit is ${limits.requestsPerMinute} requests per minute (limits.requestsPerMinute).`,
    ),
    countFailure: (ctx) =>
      count(
        'failure',
        clientOf(ctx),
        `The limit is ${limits.authFailuresPerMinute} failed sign-ins per minute (limits.authFailuresPerMinute).`,
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
        ? new RateLimiterCluster({ ...allowances[kind], keyPrefix: kind, timeoutMs: primaryTimeoutMs })
        : new RateLimiterMemory(allowances[kind]),
    )
    return { limiters, close: () => {} }
  }
  const { Redis } = await import('ioredis')
  const redis = new Redis(store, {
    lazyConnect: true,
    // Requests do not wait for Redis to reconnect.
    enableOfflineQueue: false,
    connectTimeout: 2000,
    commandTimeout: storeTimeoutMs,
    socketTimeout: maxSilenceMs,
    maxRetriesPerRequest: 0,
    // After a failover the host name points to another server, and this connection is to a replica.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    retryStrategy: (attempt) => Math.min(attempt * 100, 2000),
    connectionName: 'postern',
  })
  let failure: Error | null = null
  // The failed request reports the error. Without a listener ioredis writes to the console.
  redis.on('error', (error) => (failure = error))
  redis.on('ready', () => (failure = null))
  // A Redis that accepts and never answers must not hold up the start.
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), connectPatienceMs).unref())
  const answers = redis.connect().then(
    () => true,
    () => false,
  )
  const isAway = !(await Promise.race([answers, late]))
  return {
    isAway,
    limiters: each(
      (kind) => new RateLimiterRedis({ ...allowances[kind], storeClient: redis, keyPrefix: `postern:${kind}` }),
    ),
    reason: () => failure,
    close: () => redis.disconnect(),
  }
}

const absent =
  'limits.store does not respond, so each process counts separately until it does. Check that it runs and accepts ' +
  'connections from here, or correct limits.store'

/** While the store is unavailable, this process counts alone. The limit is then less strict but still bounded. */
function withFallback(
  { limiters, reason, isAway: isAwayAtStart = false }: Store,
  insurance: Readonly<Record<Kind, Limiter>>,
  log: Logger,
): (kind: Kind, key: string) => Promise<void> {
  let away = false
  let isAsking = false
  const report = (isAway: boolean, err?: unknown): void => {
    if (away === isAway) return
    away = isAway
    if (isAway) log.error({ err }, absent)
    else log.info('limits.store responds again')
  }
  if (isAwayAtStart) report(true, reason?.() ?? new Error('no answer'))
  /** Resolves to false if the store did not count. */
  async function consume(kind: Kind, key: string): Promise<boolean> {
    try {
      await limiters[kind].consume(key)
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) {
        report(true, reason?.() ?? error)
        return false
      }
      report(false)
      throw error
    }
    report(false)
    return true
  }
  /**
   * Sends one probe at a time in the background. Requests do not wait for it, because they would pile up behind a
   * hanging store.
   */
  function probe(kind: Kind, key: string): void {
    if (isAsking) return
    isAsking = true
    void consume(kind, key)
      .catch(() => {})
      .finally(() => (isAsking = false))
  }
  return async (kind, key) => {
    if (away) probe(kind, key)
    else if (await consume(kind, key)) return
    await insurance[kind].consume(key)
  }
}
