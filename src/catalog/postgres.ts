/** The PostgreSQL part of the catalog: the pool, and the removal of lost connections from it. */
import { Kysely, PostgresAdapter, PostgresDialect, PostgresDriver, sql } from 'kysely'
import type { DatabaseConnection, Driver, PostgresDialectConfig, PostgresPoolClient } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { explainFileError } from '../cannot-open.ts'
import { binaryText } from './binary-text.ts'
import { isLost, isSilence, isUncertain, mayRetry, translatePostgresError, UncertainCommit } from './postgres-error.ts'
import { poolConfig, refused } from './postgres-url.ts'
import type { Schema } from './schema.ts'
import type { OpenDatabase, MigrationRules } from './database.ts'

/** The advisory lock of migrations. Any number, but the same in every version. */
const migrationLock = 7_306_928_041

/** Removes the statement timeout of a transaction. It also disables the client's own timeout. */
const unlimited = 'set local statement_timeout = 0'
const day = 86_400_000

/** Does not connect yet. Errors: InvalidArgument for an invalid URL. */
export async function openPostgres(url: string): Promise<OpenDatabase> {
  const pool = await openPool(url)
  const db = new Kysely<Schema>({ dialect: new CatalogDialect({ pool: watched(pool) }) })
  return { db, mayRetry, isSilence, translate: translatePostgresError, migrating, close: () => end(db, pool) }
}

async function openPool(url: string): Promise<Pool> {
  const { Client, Pool, types } = await import('pg')
  const config = poolConfig(url)
  // Sizes and times are all below 2^53.
  const getTypeParser = ((oid: number, format?: 'text') =>
    oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser
  try {
    // Parse the URL now. At the first connection, a wrong file name would look like a lost server.
    void new Client(config)
    const pool = new Pool({ ...config, types: { ...types, getTypeParser } })
    // The failing query reports a broken connection. Without these listeners it would end the process.
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    return pool
  } catch (cause) {
    // The URL can name files of certificates and keys.
    const file = explainFileError(cause, { or: 'choose another file in database.url' })
    throw refused(file ?? (cause instanceof Error ? cause.message : String(cause)), cause)
  }
}

async function end(db: Kysely<Schema>, pool: Pool): Promise<void> {
  await db.destroy()
  // Kysely does not close a pool that it never used.
  if (!pool.ending) await pool.end()
}

/** Does not return a client to the pool if its connection is lost. */
const watched = (pool: Pool): PostgresDialectConfig['pool'] =>
  ({
    connect: async () => watchedClient(await pool.connect()),
    end: () => pool.end(),
    options: pool.options,
  }) as unknown as PostgresDialectConfig['pool']

const begins = /^(begin|start transaction)\b/
const reads = /^\s*select\b/i

/** Kysely takes a client for one statement or for one transaction. */
function watchedClient(client: PoolClient): PostgresPoolClient {
  let lost = false
  let ownLimit = {}
  let isTransaction = false
  const query = async (text: string, values: readonly unknown[]): Promise<unknown> => {
    if (text === unlimited) ownLimit = { query_timeout: day }
    isTransaction ||= begins.test(text)
    try {
      return await client.query({ text, values: [...values], ...ownLimit })
    } catch (cause) {
      lost ||= isLost(cause)
      // A change outside a transaction commits immediately.
      if (!isTransaction && !reads.test(text) && isUncertain(cause)) throw new UncertainCommit(cause)
      throw cause
    }
  }
  return { query, release: (broken: boolean) => client.release(lost || broken) } as unknown as PostgresPoolClient
}

class CatalogDialect extends PostgresDialect {
  readonly #config: PostgresDialectConfig
  constructor(config: PostgresDialectConfig) {
    super(config)
    this.#config = config
  }
  override createDriver(): Driver {
    return new CatalogDriver(this.#config)
  }
  override createAdapter(): PostgresAdapter {
    return new CatalogAdapter()
  }
}

/** `hold` keeps the lock until the transaction ends. A release after a failure would hide the original error. */
class CatalogAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

class CatalogDriver extends PostgresDriver {
  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.commitTransaction(connection as never)
    } catch (cause) {
      throw isLost(cause) ? new UncertainCommit(cause) : cause
    }
  }
  /** Ignores errors, so that the caller gets the error that caused the rollback. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection as never)
    } catch {
      // The connection is marked as lost and closed. The server rolls the transaction back.
    }
  }
}

const migrating: MigrationRules = {
  async hold(tx) {
    // The migration of another process may take long.
    await sql`set local lock_timeout = 0`.execute(tx)
    await sql.raw(unlimited).execute(tx)
    await sql`select pg_advisory_xact_lock(${sql.lit(migrationLock)})`.execute(tx)
  },
  async hasTable(db, name) {
    const { rows } = await sql<{ found: boolean }>`select to_regclass(${name}) is not null as found`.execute(db)
    return rows[0]?.found === true
  },
  async schema(db) {
    const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(db)
    return rows[0]?.name ?? undefined
  },
  plugins: [binaryText()],
}
