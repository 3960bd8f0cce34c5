/** Copies a whole catalog to another database, for example from SQLite to PostgreSQL to scale beyond one machine. */
import { sql, type Kysely, type Transaction } from 'kysely'
import { StorageError } from '../errors.ts'
import { listLeases } from './leases.ts'
import { migrate } from './migrate-schema.ts'
import { openDatabase } from './open-database.ts'
import type { Schema } from './schema.ts'
import { catalogTables, primaryKeys, type CatalogTable } from './tables.ts'
import type { OpenDatabase } from './database.ts'

type Table = keyof Schema

/** Rows per page. Their values must stay below SQLite's limit of 32,766 parameters. */
const page = 500

const theCatalog = 'the catalog'
const theTarget = 'the database of --to'

export type CopiedRows = Record<CatalogTable, number>

/**
 * Resolves to the number of rows per table. Migrates both schemas first. The rows in `from` stay unchanged, and `to`
 * receives all of them or none. Errors: InvalidRequest if a server uses one of the databases or `to` is not empty, and
 * those of opening.
 */
export async function copyDatabase(o: {
  from: string
  to: string
  now: Date
  signal: AbortSignal
  /** Called and awaited after each page. */
  progress: (rows: number) => void | Promise<void>
}): Promise<CopiedRows> {
  const from = await openAlone(o.from, 'The catalog')
  try {
    const to = await openAlone(o.to, 'The database of --to').catch((cause: unknown) => {
      throw ofTarget(cause)
    })
    try {
      await refuseInstances(from.db, o.now, theCatalog)
      await migrate(from.db, from.migrating)
      await migrate(to.db, to.migrating)
      await refuseInstances(to.db, o.now, theTarget)
      return await copyAll(from, to, o)
    } catch (cause) {
      throw cause instanceof StorageError || o.signal.aborted ? cause : translate(cause, from, to)
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
}

/**
 * Opens a database that no server uses. SQLite reports another process itself. For PostgreSQL, the instance leases show
 * it.
 */
async function openAlone(url: string, what: string): Promise<OpenDatabase> {
  try {
    return await openDatabase(url, { alone: true })
  } catch (cause) {
    const isInUse = url.startsWith('sqlite:') && cause instanceof StorageError && cause.retryAfter === 1
    if (!isInUse) throw cause
    throw new StorageError('InvalidRequest', {
      message: `${what} is in use. Stop the server that uses it first.`,
      cause,
    })
  }
}

async function refuseInstances(db: Kysely<Schema>, now: Date, what: string): Promise<void> {
  const known = await db.introspection.getTables()
  if (!known.some(({ name }) => name === 'leases')) return
  const [running] = await listLeases(db, 'instance:', now)
  if (running === undefined) return
  const { host } = JSON.parse(running.note ?? '{}') as { host?: string }
  throw new StorageError('InvalidRequest', {
    message:
      `A server (on ${host ?? 'another host'}) uses ${what}. Stop it first. ` +
      'If it was killed, its entry expires after half a minute.',
  })
}

function copyAll(
  from: OpenDatabase,
  to: OpenDatabase,
  o: { now: Date; signal: AbortSignal; progress: (rows: number) => void | Promise<void> },
): Promise<CopiedRows> {
  return from.db.transaction().execute((source) =>
    to.db.transaction().execute(async (target) => {
      await to.migrating.hold(target)
      // A server that once started on the empty target has only recorded the id of its store there.
      for (const name of catalogTables) if (name !== 'stores') await refuseRows(target, name)
      await target.deleteFrom('stores').execute()
      const copied = {} as CopiedRows
      let rows = 0
      for (const name of catalogTables) {
        copied[name] = await copyTable(source, target, name, async (more) => {
          o.signal.throwIfAborted()
          await o.progress((rows += more))
        })
      }
      // If a server has started during the copy, its writes would be lost in the source or mixed with the copy.
      await refuseInstances(source, o.now, theCatalog)
      await refuseInstances(target, o.now, theTarget)
      return copied
    }),
  )
}

async function refuseRows(target: Transaction<Schema>, name: Table): Promise<void> {
  const [row] = await target
    .selectFrom(name)
    .select(sql`1`.as('one'))
    .limit(1)
    .execute()
  if (row === undefined) return
  throw new StorageError('InvalidRequest', {
    message: `The database of --to already contains a catalog (its table ${name} has rows). Choose an empty database.`,
  })
}

/** Copies page by page in the order of the primary key. */
async function copyTable(
  source: Transaction<Schema>,
  target: Transaction<Schema>,
  name: CatalogTable,
  done: (rows: number) => Promise<void>,
): Promise<number> {
  const keys = primaryKeys[name]
  const key = sql`(${sql.join(keys.map((column) => sql.ref(column)))})`
  const order = sql.join(keys.map((column) => sql.ref(column)))
  let rows: Record<string, unknown>[] = []
  let copied = 0
  do {
    const last = rows.at(-1)
    const after = last ? sql`where ${key} > (${sql.join(keys.map((column) => last[column]))})` : sql``
    const next = sql<Record<string, unknown>>`select * from ${sql.table(name)} ${after} order by ${order} limit ${page}`
    rows = (await next.execute(source)).rows
    if (rows.length > 0)
      await target
        .insertInto(name)
        .values(rows as never)
        .execute()
    copied += rows.length
    await done(rows.length)
  } while (rows.length === page)
  return copied
}

const translate = (cause: unknown, from: OpenDatabase, to: OpenDatabase): StorageError => {
  const error = from.translate(cause)
  return error.code === 'Internal' ? ofTarget(to.translate(cause)) : error
}

/** Messages of opening a database name `database.url`. For the target they must name `--to`. */
function ofTarget<T>(error: T): T | StorageError {
  if (!(error instanceof StorageError) || !error.message.includes('database.url')) return error
  const { code, cause, message } = error
  return new StorageError(code, { message: message.replaceAll('database.url', '--to'), cause })
}
