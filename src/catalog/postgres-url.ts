/** Parses `database.url` for PostgreSQL: the libpq parameters that `pg` supports, and `pool_size`. */
import type { PoolConfig } from 'pg'
import { StorageError } from '../errors.ts'

/** Connections per process. */
const poolSize = 10
/** Milliseconds. Each is far above what the catalog's statements need, and stops statements that would block others. */
const limits = {
  statement_timeout: 10_000,
  lock_timeout: 5_000,
  idle_in_transaction_session_timeout: 30_000,
  /** Measured by the client, for a server that does not answer at all. */
  query_timeout: 12_000,
  connectionTimeoutMillis: 5_000,
} as const

/** Errors: InvalidArgument. The message omits the URL, which may contain a password. */
export function poolConfig(url: string): PoolConfig {
  const parsed = parse(url)
  const { searchParams } = parsed
  const max = take(searchParams, 'pool_size', 1, 1000) ?? poolSize
  const connectTimeout = take(searchParams, 'connect_timeout', 1, 600)
  // `sslmode` as in libpq. `no-verify` exists only in pg.
  const sslmode = searchParams.get('sslmode')
  if (sslmode !== null && !sslModes.includes(sslmode)) throw refused(`sslmode must be one of ${sslModes.join(', ')}`)
  if (sslmode !== null && sslmode !== 'no-verify' && !searchParams.has('uselibpqcompat')) {
    searchParams.set('uselibpqcompat', 'true')
  }
  if (sslmode === 'verify-ca' && !searchParams.has('sslrootcert')) {
    throw refused('sslmode=verify-ca needs sslrootcert=FILE. Add it, or use verify-full')
  }
  return {
    fallback_application_name: 'postern',
    ...limits,
    ...(connectTimeout !== null && { connectionTimeoutMillis: connectTimeout * 1000 }),
    connectionString: parsed.href,
    max,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    idleTimeoutMillis: 60_000,
    // Reconnect regularly, because DNS or a proxy may point to another server by then.
    maxLifetimeSeconds: 1800,
  }
}

const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']

function parse(url: string): URL {
  try {
    return new URL(url)
  } catch {
    throw refused('it is not a valid URL. Encode the characters % / ? # @ : in user and password (%25 %2F %3F …)')
  }
}

function take(parameters: URLSearchParams, name: string, least: number, most: number): number | null {
  const text = parameters.get(name)
  if (text === null) return null
  parameters.delete(name)
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw refused(`${name} must be a whole number from ${least} to ${most}`)
}

export const refused = (why: string, cause?: unknown): StorageError =>
  new StorageError('InvalidArgument', { message: `database.url: ${why}`, ...(cause === undefined ? {} : { cause }) })
