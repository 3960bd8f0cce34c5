/** A kind of database as the catalog uses it. */
import type { Kysely, KyselyPlugin, Transaction } from 'kysely'
import type { StorageError } from '../errors.ts'
import type { Schema } from './schema.ts'

export type MigrationRules = {
  /** Call this first in the transaction that migrates. One process continues, and the others wait. */
  hold: (tx: Transaction<Schema>) => Promise<void>
  /** Whether a query can find a table of this name. */
  hasTable: (db: Kysely<Schema>, name: string) => Promise<boolean>
  /** The schema in which tables are created. undefined for a database without schemas. */
  schema: (db: Kysely<Schema>) => Promise<string | undefined>
  plugins: readonly KyselyPlugin[]
}

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
