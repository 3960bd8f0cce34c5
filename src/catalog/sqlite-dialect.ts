/** Kysely dialect for SQLite: one serialised connection, cached statements, group commit. */
import type Database from 'better-sqlite3'
import { SqliteAdapter, SqliteDialect, SqliteDriver } from 'kysely'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, SqliteStatement } from 'kysely'
import type { CommitLatch } from './commit-latch.ts'
import { GroupCommit } from './group-commit.ts'

const maxCachedStatements = 256

export const sqliteDialect = (database: Database.Database, latch: CommitLatch): SqliteDialect =>
  new SerialisedSqliteDialect(database, latch)

class SerialisedSqliteDialect extends SqliteDialect {
  readonly #database: Database.Database
  readonly #latch: CommitLatch
  constructor(database: Database.Database, latch: CommitLatch) {
    super({ database })
    this.#database = database
    this.#latch = latch
  }
  override createDriver(): Driver {
    return new SerialisedSqliteDriver(this.#database, this.#latch)
  }
  override createAdapter(): SqliteAdapter {
    return new QueueingSqliteAdapter()
  }
}

/** Preparing a statement costs more than running most of the catalog's statements. */
function cachedPrepare(database: Database.Database): (sql: string) => SqliteStatement {
  const statements = new Map<string, SqliteStatement>()
  return (sql) => {
    let statement = statements.get(sql)
    if (statement === undefined) {
      if (statements.size >= maxCachedStatements) statements.clear()
      statement = database.prepare(sql) as SqliteStatement
      statements.set(sql, statement)
    }
    return statement
  }
}

/** The connection while one caller uses it. */
class CallerConnection implements DatabaseConnection {
  readonly #connection: DatabaseConnection
  readonly #group: GroupCommit
  readonly #latch: CommitLatch
  state: 'plain' | 'transaction' | 'over' = 'plain'

  constructor(connection: DatabaseConnection, group: GroupCommit, latch: CommitLatch) {
    this.#connection = connection
    this.#group = group
    this.#latch = latch
  }
  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    this.#seeOnlyWhatIsCommitted()
    if (this.state === 'plain' && query.query.kind !== 'SelectQueryNode') return this.#commitAlone(query)
    return this.#connection.executeQuery(query)
  }
  /** Runs a change outside a transaction as its own transaction. */
  async #commitAlone<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    this.#latch.assertSound()
    try {
      return await this.#connection.executeQuery(query)
    } catch (cause) {
      this.#latch.report(cause)
      throw cause
    }
  }
  streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    this.#seeOnlyWhatIsCommitted()
    return this.#connection.streamQuery(query, chunkSize as number)
  }
  /** A read outside a transaction waits for no commit, so it must not return data that is not durable. */
  #seeOnlyWhatIsCommitted(): void {
    if (this.state === 'plain') this.#group.commit()
  }
}

/** One connection. Callers get it in the order of their requests. */
class SerialisedSqliteDriver extends SqliteDriver {
  readonly #group: GroupCommit
  readonly #latch: CommitLatch
  #isBusy = false
  #holder: CallerConnection | null = null
  readonly #waiting: (() => void)[] = []

  constructor(database: Database.Database, latch: CommitLatch) {
    super({ database: { prepare: cachedPrepare(database), close: () => database.close() } })
    this.#group = new GroupCommit(database, latch)
    this.#latch = latch
  }
  override async acquireConnection(): Promise<DatabaseConnection> {
    const own = new CallerConnection(await super.acquireConnection(), this.#group, this.#latch)
    if (this.#isBusy) await new Promise<void>((resume) => this.#waiting.push(resume))
    this.#isBusy = true
    return (this.#holder = own)
  }
  override async releaseConnection(connection?: DatabaseConnection): Promise<void> {
    if (connection !== this.#holder) return
    this.#holder = null
    const next = this.#waiting.shift()
    if (next === undefined) this.#isBusy = false
    else next()
  }
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    this.#group.enter()
    ;(connection as CallerConnection).state = 'transaction'
  }
  /** The next caller continues while this one waits for the disk. */
  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const durable = this.#group.finish()
    ;(connection as CallerConnection).state = 'over'
    await this.releaseConnection(connection)
    await durable
  }
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    const own = connection as CallerConnection
    if (own.state === 'transaction') this.#group.abandon()
    own.state = 'over'
  }
  override async destroy(): Promise<void> {
    await this.acquireConnection()
    this.#group.commit()
    await super.destroy()
  }
}

class QueueingSqliteAdapter extends SqliteAdapter {
  /** True, because the driver above queues callers. Kysely's own mutex would wake every waiter at every release. */
  override get supportsMultipleConnections(): boolean {
    return true
  }
  /** SQLite's DDL is transactional, so that a migration is all or nothing. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}
