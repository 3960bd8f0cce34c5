/** The database that `database.url` names, and what the catalog must know of its kind. */
import type { Kysely, KyselyPlugin, Transaction } from 'kysely'
import { StorageError } from '../errors.ts'
import { openPostgres } from './postgres.ts'
import type { Schema } from './schema.ts'
import { openSqliteDatabase } from './sqlite.ts'

export type OpenDatabase = {
  db: Kysely<Schema>
  /** Whether the same work may succeed in a moment, nothing of it having happened. */
  mayRetry: (cause: unknown) => boolean
  translate: (cause: unknown) => StorageError
  /** Of a database that is reached over a network: whether nothing came back. */
  isSilence?: (cause: unknown) => boolean
  migrating: MigrationRules
  /** Throws where this process can commit nothing more. */
  checkWritable?: () => void
  close: () => Promise<void>
}

export type MigrationRules = {
  /** To be called first in the transaction that migrates: of several processes one goes on, the others wait. */
  hold: (tx: Transaction<Schema>) => Promise<void>
  /** Whether there is a table that a query of this name reaches. */
  hasTable: (db: Kysely<Schema>, name: string) => Promise<boolean>
  /** Where tables are made, in databases that have schemas. */
  schema: (db: Kysely<Schema>) => Promise<string | undefined>
  plugins: readonly KyselyPlugin[]
}

/**
 * `alone`: no other process may have an SQLite database open, from now until it is closed; Unavailable where one has.
 * Errors: NotSupported for another kind of database, InvalidArgument for a URL that cannot be read, and
 * those of opening.
 */
export async function openDatabase(url: string, o: { alone?: boolean } = {}): Promise<OpenDatabase> {
  const path = /^sqlite:(.+)$/.exec(url)?.[1]
  if (path !== undefined) return openSqliteDatabase(path, o)
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(url)
  throw new StorageError('NotSupported', {
    message: 'database.url must be sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE',
  })
}
