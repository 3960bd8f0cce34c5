/**
 * Copies both databases as of one point in time, while a server keeps writing. The index must have the objects of all files
 * in the catalog. A file is confirmed after its object was written, and deleted before its object is. So the two read
 * transactions start while a write lock on the catalog prevents commits, for a few milliseconds. The databases are copied
 * from these transactions. The copies include the WAL, but no later commits.
 */
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { openDatabaseFile } from '../sqlite-file.ts'
import { cannotOpen } from '../cannot-open.ts'
import { StorageError } from '../errors.ts'
import type { DatabaseName } from './format.ts'

/** The paths of the databases that exist. */
export type DatabaseFiles = Partial<Record<DatabaseName, string>>

/** Milliseconds to wait for a write of the server. */
const patience = 10_000

/** Errors: Unavailable if a database is damaged. SQLITE_BUSY if it stays locked. */
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
      // SQLite starts the transaction at its first read.
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
    // SQLite first reads the file here.
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
    ? `${file} is damaged (${code}). Run postern doctor to see what to do. No backup was made.`
    : /^SQLITE_(CANTOPEN|PERM|READONLY|AUTH|IOERR)/.test(code)
      ? cannotOpen(file, cause)
      : null
  if (why === null) return cause
  return new StorageError('Unavailable', { message: `A database cannot be copied: ${why}`, cause })
}

/** Checks the copy, and turns it into one file without a WAL next to it. */
function settle(file: string, name: DatabaseName): void {
  const db = openDatabaseFile(file)
  try {
    const state = db.pragma('quick_check(1)', { simple: true })
    if (state !== 'ok') {
      throw new StorageError('Unavailable', {
        message: `${name} is damaged (${String(state)}). Run postern verify. No backup was made.`,
      })
    }
    // The sweep may have deleted the files of garbage, and nothing needs them.
    if (name === 'index.sqlite') db.exec('DELETE FROM blobs WHERE garbage_since IS NOT NULL')
    db.pragma('journal_mode = DELETE')
  } finally {
    db.close()
  }
}
