/** Checks the databases of a backup before they are used. */
import Database from 'better-sqlite3'
import { openDatabaseFile } from '../sqlite-file.ts'
import { idOfBlobName, blobName, refuse } from './format.ts'
import { schemaVersion, type Index } from '../drivers/disk/open-index.ts'
import type { BlobRow } from './pack-blob.ts'

/** The restore upgrades indexes from this version on. */
const oldestRestorable = 2

export type RestoredIndex = {
  find(id: string): BlobRow | undefined
  bytes: number
  rows(): IterableIterator<{ id: string; size: number }>
  close(): void
}

/** Errors: InvalidRequest if the catalog is damaged, or has triggers or views, which would run inside the server. */
export function assertPlainCatalog(file: string): void {
  try {
    const db = openDatabaseFile(file, { readonly: true })
    try {
      assertSound(db, 'catalog')
      assertTablesOnly(db, 'catalog')
    } finally {
      db.close()
    }
  } catch (error) {
    throw error instanceof Database.SqliteError
      ? refuse('The backup is damaged: its catalog is not a database.')
      : error
  }
}

/** Errors: InvalidRequest if the file is not a valid index, or contains more than tables. */
export function openRestoredIndex(file: string): RestoredIndex {
  const db = open(file)
  try {
    assertTablesOnly(db, 'index')
    for (const { id } of rowsOf(db)) {
      if (idOfBlobName(blobName(id)) === null) throw refuse('The backup is damaged: its index has an invalid blob id.')
    }
    const find = db.prepare<[string], BlobRow>('SELECT id, size, sums FROM blobs WHERE id = ?')
    const bytes = db.prepare('SELECT total(size) FROM blobs').pluck().get() as number
    return { find: (id) => find.get(id), bytes, rows: () => rowsOf(db), close: () => db.close() }
  } catch (error) {
    db.close()
    throw error
  }
}

const rowsOf = (db: Index): IterableIterator<{ id: string; size: number }> =>
  db.prepare<[], { id: string; size: number }>('SELECT id, size FROM blobs').iterate()

function open(file: string): Index {
  let db: Index | undefined
  try {
    db = openDatabaseFile(file, { readonly: true })
    harden(db)
    const version = Number(db.pragma('user_version', { simple: true }))
    if (version > schemaVersion)
      throw refuse('The backup was made by a newer version of Postern. Restore it with that version.')
    if (version < oldestRestorable)
      throw refuse('The backup was made by an older version of Postern. Restore it with that version.')
    assertSound(db, 'index')
    return db
  } catch (error) {
    db?.close()
    throw error instanceof Database.SqliteError ? refuse('The backup is damaged: its index is not a database.') : error
  }
}

function harden(db: Index): void {
  db.pragma('trusted_schema = OFF')
  db.pragma('cell_size_check = ON')
}

function assertSound(db: Index, what: string): void {
  harden(db)
  const state = db.pragma('quick_check(1)', { simple: true })
  if (state !== 'ok') throw refuse(`The backup is damaged: its ${what} is not intact (${String(state)}).`)
}

/** Allows only tables and their indexes, because a trigger or a view would run inside the server. */
function assertTablesOnly(db: Index, what: string): void {
  const found = db
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1",
    )
    .get()
  if (found !== undefined) throw refuse(`This is not a Postern backup: its ${what} contains more than tables.`)
}
