/** Opens the database that `database.url` names, with the properties that depend on its kind. */
import { StorageError } from '../errors.ts'
import { openPostgres } from './postgres.ts'
import { openSqliteDatabase } from './sqlite.ts'
import type { OpenDatabase } from './database.ts'

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
