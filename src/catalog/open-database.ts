/** Opens the database that `database.url` names, with the properties that depend on its kind. */
import type { Kysely, KyselyPlugin, Transaction } from 'kysely'
import { StorageError } from '../errors.ts'
import { openPostgres } from './postgres.ts'
import type { Schema } from './schema.ts'
import { openSqliteDatabase } from './sqlite.ts'

export type OpenDatabase = {
  db: Kysely<Schema>
  /** Whether a retry may succeed. The failed work has changed nothing. */
  mayRetry: (cause: unknown) => boolean
  translate: (cause: unknown) => StorageError
  /** For a database on the network: whether it did not answer at all. */
  isSilence?: (cause: unknown) => boolean
  migrating: MigrationRules
  /** Throws if this process cannot commit any more. */
  checkWritable?: () => void
  close: () => Promise<void>
}

export type MigrationRules = {
  /** Call this first in the transaction that migrates. One process continues, and the others wait. */
  hold: (tx: Transaction<Schema>) => Promise<void>
  /** Whether a query can find a table of this name. */
  hasTable: (db: Kysely<Schema>, name: string) => Promise<boolean>
  /** The schema in which tables are created. undefined for a database without schemas. */
  schema: (db: Kysely<Schema>) => Promise<string | undefined>
  plugins: readonly KyselyPlugin[]
}

/**
 * `alone`: opens an SQLite database exclusively, until it is closed. Errors: Unavailable if another process has it
 * open, NotSupported for another kind of database, InvalidArgument for an invalid URL, and those of opening.
 */
export async function openDatabase(url: string, o: { alone?: boolean } = {}): Promise<OpenDatabase> {
  const path = /^sqlite:(.+)$/.exec(url)?.[1]
  if (path !== undefined) return openSqliteDatabase(path, o)
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(url)
  throw new StorageError('NotSupported', {
    message: 'database.url must be sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE',
  })
}
