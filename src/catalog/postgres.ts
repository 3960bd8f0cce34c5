/** What is PostgreSQL's own in the catalog: the pool, and connections that are given up when they are lost. */
import { Kysely, PostgresAdapter, PostgresDialect, PostgresDriver, sql } from 'kysely'
import type { DatabaseConnection, Driver, PostgresDialectConfig, PostgresPoolClient } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { explainFileError } from '../cannot-open.ts'
import { binaryText } from './binary-text.ts'
import type { MigrationRules, OpenDatabase } from './open-database.ts'
import { isLost, isSilence, isUncertain, mayRetry, translatePostgresError, UncertainCommit } from './postgres-error.ts'
import { poolConfig, refused } from './postgres-url.ts'
import type { Schema } from './schema.ts'

/** Any number, the same in every version: who migrates holds it. */
const migrationLock = 7_306_928_041

/** A transaction that says this may take as long as it needs, by our own clock too. */
const unlimited = 'set local statement_timeout = 0'
const day = 86_400_000

/** Nothing is connected yet. Errors: InvalidArgument for a URL that cannot be read. */
export async function openPostgres(url: string): Promise<OpenDatabase> {
  const pool = await openPool(url)
  const db = new Kysely<Schema>({ dialect: new CatalogDialect({ pool: watched(pool) }) })
  return { db, mayRetry, isSilence, translate: translatePostgresError, migrating, close: () => end(db, pool) }
}

async function openPool(url: string): Promise<Pool> {
  const { Client, Pool, types } = await import('pg')
  const config = poolConfig(url)
  // Sizes and times; all are below 2^53.
  const getTypeParser = ((oid: number, format?: 'text') =>
    oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser
  try {
    // The URL is read now rather than at the first connection, where a wrong file name would look like a lost server.
    void new Client(config)
    const pool = new Pool({ ...config, types: { ...types, getTypeParser } })
    // A connection that breaks is known by the query that fails; without these it would end the process.
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    return pool
  } catch (cause) {
    // Of what the URL names, certificates and keys are files.
    const file = explainFileError(cause, { or: 'name another file in database.url' })
    throw refused(file ?? (cause instanceof Error ? cause.message : String(cause)), cause)
  }
}

async function end(db: Kysely<Schema>, pool: Pool): Promise<void> {
  await db.destroy()
  // Kysely does not close what it never used.
  if (!pool.ending) await pool.end()
}

/** A client whose connection is lost does not go back to the pool. */
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
      // Outside a transaction a change is its own commit.
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

/** `hold` has the lock until the transaction ends; giving one back after a failure would hide what failed. */
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
  /** What made us roll back is what the caller must hear of, not that the connection is gone as well. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection as never)
    } catch {
      // The connection is marked and given up; the server rolls back what it held.
    }
  }
}

const migrating: MigrationRules = {
  async hold(tx) {
    // Another process may be at a migration that takes its time.
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
