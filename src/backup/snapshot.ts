/**
 * Both databases as of one moment, while a server goes on writing. The catalog names files whose objects the index must
 * have: files are confirmed after their object is there, and deleted before it goes. So the index is looked at while no
 * catalog commit can happen: a write lock on the catalog, held for the milliseconds in which two read transactions begin.
 * They are copied afterwards, from those transactions: what is committed meanwhile is not in the copy, and what lies in
 * the WAL is.
 */
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { openDatabaseFile } from '../sqlite-file.ts'
import { cannotOpen } from '../cannot-open.ts'
import { StorageError } from '../errors.ts'
import type { DatabaseName } from './format.ts'

/** Paths of those that there are. */
export type DatabaseFiles = Partial<Record<DatabaseName, string>>

/** Milliseconds for which a server's own write is waited for. */
const patience = 10_000

/** Errors: Unavailable for a database that is damaged or stays locked. */
export async function copyDatabases(files: DatabaseFiles, folder: string): Promise<DatabaseFiles> {
  const open: { name: DatabaseName; db: Database.Database }[] = []
  const catalog = files['catalog.sqlite']
  const lock = catalog === undefined ? null : openDatabase(catalog, { fileMustExist: true })
  try {
    lock?.exec('BEGIN IMMEDIATE')
    for (const [name, file] of Object.entries(files) as [DatabaseName, string][]) {
      const db = openDatabase(file, { readonly: true })
      open.push({ name, db })
      db.exec('BEGIN')
      // The transaction begins with its first read.
      db.prepare('SELECT count(*) FROM sqlite_schema').get()
    }
    lock?.exec('ROLLBACK')
    const copies: DatabaseFiles = {}
    for (const { name, db } of open) {
      copies[name] = join(folder, name)
      await db.backup(copies[name])
      settle(copies[name], name)
    }
    return copies
  } finally {
    lock?.close()
    for (const { db } of open) db.close()
  }
}

function openDatabase(file: string, o: Database.Options): Database.Database {
  let db: Database.Database | undefined
  try {
    db = openDatabaseFile(file, { timeout: patience, ...o })
    // The file is first read here.
    db.pragma('schema_version')
    return db
  } catch (cause) {
    db?.close()
    throw uncopied(file, cause)
  }
}

function uncopied(file: string, cause: unknown): unknown {
  const code = String((cause as { code?: unknown }).code)
  const why = /^SQLITE_(CORRUPT|NOTADB)/.test(code)
    ? `${file} is damaged (${code}). postern doctor says what to do. No backup was made.`
    : /^SQLITE_(CANTOPEN|PERM|READONLY|AUTH|IOERR)/.test(code)
      ? cannotOpen(file, cause)
      : null
  if (why === null) return cause
  return new StorageError('Unavailable', { message: `A database cannot be copied: ${why}`, cause })
}

/** One file, without the log that WAL mode would keep beside it; and only if it is sound. */
function settle(file: string, name: DatabaseName): void {
  const db = openDatabaseFile(file)
  try {
    const state = db.pragma('quick_check(1)', { simple: true })
    if (state !== 'ok') {
      throw new StorageError('Unavailable', {
        message: `${name} is damaged (${String(state)}): run postern verify. No backup was made.`,
      })
    }
    // Their files may be gone by now, and nothing needs them.
    if (name === 'index.sqlite') db.exec('DELETE FROM blobs WHERE garbage_since IS NOT NULL')
    db.pragma('journal_mode = DELETE')
  } finally {
    db.close()
  }
}
