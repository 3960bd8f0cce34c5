import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { isThere, remedyFor } from '../cannot-open.ts'
import { StorageError } from '../errors.ts'
import { openDatabaseFile } from '../sqlite-file.ts'
import { userName } from '../user-name.ts'
import { failed, ok, reason, type Finding, type Check } from './check.ts'
import type { Catalog } from '../catalog/catalog.ts'

export type DiskCheck = Check<DiskSubject>

export type DiskSubject = {
  /** `storage.disk.path`. */
  folder: string
  /** False with the s3 driver. The folder then holds only secrets and, by default, the catalog. */
  holdsObjects: boolean
  minFree: number
  fsync: 'full' | 'none'
  /** The newest version of the object index that this program knows. */
  indexVersion: number
  /** The names of the migrations that this program knows. */
  catalogVersions: readonly string[]
  /** The file of an SQLite catalog. Null for another kind of database. */
  catalogFile: string | null
  /** Opens the catalog without changing its schema. */
  openCatalog: () => Promise<Pick<Catalog, 'checkReady' | 'migrationStatus' | 'close'>>
}

/** Checks the object index: its version, its journal mode and, if it is small, its integrity. */
export const objectIndex: DiskCheck = {
  name: 'index',
  needs: ['writable'],
  async run({ folder, holdsObjects, indexVersion }) {
    const file = join(folder, 'index.sqlite')
    if (!holdsObjects) return ok('The folder holds no objects.')
    if (!isThere(file) && isThere(join(folder, 'objects', 'log'))) {
      return failed(`${file} is missing, next to the objects of a store.`, rebuildIndex)
    }
    if (!isThere(file)) return ok('There is no object index yet. The first start creates it.')
    return readSqlite(file, (db) => {
      const version = Number(db.pragma('user_version', { simple: true }))
      if (version > indexVersion) {
        return failed(
          `The object index has version ${version}, but this program knows ${indexVersion}.`,
          'Run the newer version that wrote it, or restore a backup.',
        )
      }
      return null
    })
  },
}

/** Checks that the catalog is reachable, has a version that this program knows, and is in a durable journal mode. */
export const catalog: DiskCheck = {
  name: 'catalog',
  async run({ catalogFile, catalogVersions, openCatalog }) {
    if (catalogFile !== null) {
      if (!isThere(catalogFile)) return ok('There is no catalog yet. The first start creates it.')
      const finding = readSqlite(catalogFile, () => null)
      if (finding.outcome !== 'ok') return finding
    }
    try {
      const opened = await openCatalog()
      try {
        return await versionOf(opened, catalogVersions)
      } finally {
        await opened.close()
      }
    } catch (error) {
      if (catalogFile === null) {
        return failed(
          `The catalog cannot be opened: ${reason(error)}.`,
          'Correct database.url, and check that the database runs and accepts connections from this machine.',
        )
      }
      return unreadable(catalogFile, error instanceof StorageError ? (error.cause ?? error) : error)
    }
  },
}

type OpenedCatalog = Awaited<ReturnType<DiskSubject['openCatalog']>>

async function versionOf(opened: OpenedCatalog, known: readonly string[]): Promise<Finding> {
  const status = await opened.migrationStatus()
  const newer = status.filter(({ name }) => !known.includes(name)).map(({ name }) => name)
  if (newer.length > 0) {
    return failed(
      `The catalog was written by a newer version of this program (${newer.join(', ')}).`,
      'Run the newer version that wrote it, or restore a backup.',
    )
  }
  const waiting = status.filter(({ appliedAt }) => appliedAt === null)
  if (waiting.length < status.length) await opened.checkReady()
  const version = status.findLast(({ appliedAt }) => appliedAt !== null)?.name ?? 'none'
  if (waiting.length === 0) return ok(`The catalog answers, at version ${version}.`)
  return ok(`The catalog answers, at version ${version}. The next start upgrades it to ${waiting.at(-1)!.name}.`)
}

const rebuildIndex =
  'Stop the server and run postern rebuild-index, which rebuilds it from objects/. Then run postern verify.'

const damaged = (file: string, cause: string): Finding =>
  failed(
    `${file} is damaged: ${cause}.`,
    file.endsWith('index.sqlite')
      ? rebuildIndex
      : 'Stop the server and restore a backup, or move the file away and run postern rebuild-catalog. Then run postern verify.',
  )

function unreadable(file: string, error: unknown): Finding {
  const { code = '' } = error as { code?: string }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return damaged(file, reason(error))
  return failed(`${file} cannot be read by ${userName()}: ${reason(error)}.`, remedyFor(file, error))
}

/** `look` returns a problem, or null. */
function readSqlite(file: string, look: (db: Database.Database) => Finding | null): Finding {
  let db: Database.Database | undefined
  try {
    db = openDatabaseFile(file, { readonly: true, timeout: 5000 })
    const problem = look(db)
    if (problem) return problem
    const journal = db.pragma('journal_mode', { simple: true })
    if (journal !== 'wal') {
      return failed(
        `${file} is in journal mode ${String(journal)}, not wal.`,
        'Put it on a local file system. WAL needs shared memory, which network mounts lack.',
      )
    }
    const page = Number(db.pragma('page_count', { simple: true }))
    const check = page < 100_000 ? db.pragma('quick_check(1)', { simple: true }) : 'ok'
    if (check !== 'ok') return damaged(file, String(check))
    return ok(`SQLite ${String(db.prepare('SELECT sqlite_version()').pluck().get())}, WAL, no damage found.`)
  } catch (error) {
    return unreadable(file, error)
  } finally {
    db?.close()
  }
}
