/**
 * The SQLite part of the catalog: opens the file durably and translates errors. Transactions are in sqlite-dialect.ts
 * and group-commit.ts. All other files work with every database that Kysely supports.
 */
import { dirname, resolve } from 'node:path'
import Database from 'better-sqlite3'
import { Kysely } from 'kysely'
import { cannotOpen, makeFolders } from '../cannot-open.ts'
import { StorageError } from '../errors.ts'
import { makePrivate, openDatabaseFile } from '../sqlite-file.ts'
import type { Schema } from './schema.ts'
import { CommitLatch } from './commit-latch.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import type { OpenDatabase, MigrationRules } from './database.ts'

/**
 * Milliseconds for which SQLite waits for another connection's write. This blocks the event loop, so it is short, and
 * the catalog retries later if `isBusy`. Opening can wait longer, because nothing else runs yet.
 */
const busyTimeout = 25
const openTimeout = 5000
/** The first version without the WAL-reset corruption. */
const oldestSafe = [3, 51, 3] as const

/** `path` is relative to the working directory, or `:memory:`. Errors: Unavailable, InsufficientStorage. */
export function openSqliteDatabase(path: string, { alone = false }: { alone?: boolean } = {}): OpenDatabase {
  const database = openSqlite(path, alone)
  const latch = new CommitLatch()
  const db = new Kysely<Schema>({ dialect: sqliteDialect(database, latch) })
  const close = async () => {
    await db.destroy()
    // Kysely does not close a database that it never used.
    database.close()
  }
  return {
    db,
    mayRetry: isBusy,
    translate: (cause) => translateSqliteError(cause, path),
    migrating,
    checkWritable: () => latch.assertSound(),
    close,
  }
}

const migrating: MigrationRules = {
  // Nothing to do. Every transaction takes the write lock when it begins.
  hold: async () => {},
  async hasTable(db, name) {
    const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
    return tables.some((table) => table.name === name)
  },
  schema: async () => undefined,
  plugins: [],
}

function openSqlite(path: string, alone: boolean): Database.Database {
  try {
    if (path === ':memory:') return configure(new Database(path), alone)
    const file = resolve(path)
    makeFolders(dirname(file), 0o700)
    makePrivate(file)
    return configure(openDatabaseFile(file, { timeout: alone ? 500 : openTimeout }), alone)
  } catch (cause) {
    throw cause instanceof Database.SqliteError ? translateSqliteError(cause, path) : unopenable(cause, path)
  }
}

function configure(database: Database.Database, alone: boolean): Database.Database {
  try {
    refuseOldVersion(database)
    if (alone) database.pragma('locking_mode = EXCLUSIVE')
    switchToWal(database, alone ? 0 : openTimeout)
    // In exclusive locking mode, SQLite keeps this lock until the database is closed.
    if (alone) database.exec('BEGIN EXCLUSIVE; COMMIT')
    // The default of better-sqlite3 for WAL is NORMAL, which loses acknowledged commits in a power failure.
    database.pragma('synchronous = FULL')
    // Without these, an fsync on macOS stops at the drive's cache. Other systems ignore them.
    database.pragma('fullfsync = ON')
    database.pragma('checkpoint_fullfsync = ON')
    database.pragma('foreign_keys = ON')
    if (database.pragma('synchronous', { simple: true }) !== 2) {
      throw new StorageError('Unavailable', { message: 'the catalog cannot be opened with synchronous=FULL' })
    }
    database.pragma(`busy_timeout = ${busyTimeout}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Retries, because if several processes open a new file at once, SQLite reports it as busy without waiting. */
function switchToWal(database: Database.Database, patience: number): void {
  const giveUpAt = performance.now() + patience
  for (;;) {
    try {
      database.pragma('journal_mode = WAL')
      return
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAt) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}

function refuseOldVersion(database: Database.Database): void {
  const { version } = database.prepare('select sqlite_version() as version').get() as { version: string }
  const parts = version.split('.').map(Number)
  const differs = oldestSafe.findIndex((number, i) => parts[i] !== number)
  if (differs === -1 || (parts[differs] ?? 0) > oldestSafe[differs]!) return
  throw new StorageError('Unavailable', {
    message: `SQLite ${version} can corrupt its log. Version ${oldestSafe.join('.')} or later is needed`,
  })
}

/** Whether a retry may succeed. The failed work has changed nothing. */
export const isBusy = (cause: unknown): boolean =>
  cause instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(cause.code)

/** `it`: the catalog, with its path. */
const translations: [RegExp, (it: string) => ConstructorParameters<typeof StorageError>][] = [
  [/^SQLITE_FULL/, (it) => ['Unavailable', { message: `no space is left for ${it}`, retryAfter: 5 }]],
  [
    /^SQLITE_(BUSY|LOCKED|PROTOCOL)/,
    (it) => ['Unavailable', { message: `${it} is in use by another process`, retryAfter: 1 }],
  ],
  [
    /^SQLITE_(CORRUPT|NOTADB)/,
    (it) => [
      'Unavailable',
      {
        message:
          `${it} is damaged. Restore it from a backup. Without a backup, move it away and run postern rebuild-catalog, ` +
          'which rebuilds the records of confirmed files from a store on disk',
      },
    ],
  ],
  [/^SQLITE_IOERR_(DIR_)?FSYNC/, (it) => ['Internal', { message: `${it} could not be made durable` }]],
]

/** `path` is the argument of `openSqliteDatabase`. */
export function translateSqliteError(cause: unknown, path: string): StorageError {
  if (!(cause instanceof Database.SqliteError)) return new StorageError('Internal', { cause })
  const [, answer] = translations.find(([pattern]) => pattern.test(cause.code)) ?? []
  if (answer) {
    const [code, options] = answer(path === ':memory:' ? 'the catalog' : `the catalog ${resolve(path)}`)
    return new StorageError(code, { ...options, cause })
  }
  if (!/^SQLITE_(IOERR|CANTOPEN|READONLY|PERM|AUTH)/.test(cause.code)) return new StorageError('Internal', { cause })
  return new StorageError('Unavailable', { message: unopenableMessage(cause, path), cause })
}

const unopenableMessage = (cause: unknown, path: string): string =>
  `the catalog ${cannotOpen(path, cause, { to: 'read or written', or: 'choose another file with --set database.url=sqlite:PATH' })}`

function unopenable(cause: unknown, path: string): StorageError {
  if (cause instanceof StorageError) return cause
  const full = cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
  return new StorageError(full ? 'InsufficientStorage' : 'Unavailable', {
    message: full ? `no space is left for the catalog ${resolve(path)}` : unopenableMessage(cause, path),
    cause,
  })
}
