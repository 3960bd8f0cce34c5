/** Opens the catalog that `database.url` names. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely } from 'kysely'
import { StorageError } from '../errors.ts'
import type { Catalog } from './catalog.ts'
import { autoConfirmable, dropGrant, overdueUploads, removableGrants } from './due.ts'
import { deleteFile, getFile, listFiles, updateFile } from './files.ts'
import { migrate, migrationStatus } from './migrate.ts'
import type { Schema } from './schema.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import { isBusy, openSqlite, translateSqliteError } from './sqlite.ts'
import { confirmUpload, createUpload, expireUpload, findUpload, renewUpload, setMultipart } from './uploads.ts'
import { getUsage } from './usage.ts'

/** Milliseconds for which a call goes on trying while another process writes. */
const patience = 5000

type OpenDatabase = {
  db: Kysely<Schema>
  /** Whether the same work may succeed in a moment, nothing of it having happened. */
  mayRetry: (cause: unknown) => boolean
  translate: (cause: unknown) => StorageError
  close: () => Promise<void>
}

/**
 * `sqlite:PATH` (relative to the working directory) or `sqlite::memory:`. The schema is not touched: call `migrate`
 * before anything else. Errors: NotSupported for another kind of database, Unavailable, InsufficientStorage.
 */
export async function createCatalog(o: { url: string }): Promise<Catalog> {
  return catalogOver(open(o.url))
}

function open(url: string): OpenDatabase {
  const path = /^sqlite:(.+)$/.exec(url)?.[1]
  if (path === undefined) {
    throw new StorageError('NotSupported', {
      message: 'database.url must be sqlite:PATH: this version keeps its catalog in SQLite only',
    })
  }
  const database = openSqlite(path)
  const db = new Kysely<Schema>({ dialect: sqliteDialect(database) })
  const close = async () => {
    await db.destroy()
    // Kysely does not close what it never used.
    database.close()
  }
  return { db, mayRetry: isBusy, translate: translateSqliteError, close }
}

function catalogOver({ db, mayRetry, translate, close }: OpenDatabase): Catalog {
  let closing: Promise<void> | undefined

  /** The one edge at which the database's errors become ours. A method is one transaction, so it may be run again. */
  async function run<T>(work: () => Promise<T>): Promise<T> {
    const giveUpAt = performance.now() + patience
    for (let pause = 5; ; pause = Math.min(pause * 2, 100)) {
      if (closing) throw new StorageError('Unavailable', { message: 'the catalog is closed' })
      try {
        return await work()
      } catch (cause) {
        if (cause instanceof StorageError) throw cause
        if (!mayRetry(cause) || performance.now() > giveUpAt) throw translate(cause)
      }
      await sleep(pause * (0.5 + Math.random()))
    }
  }

  return {
    migrate: () => run(() => migrate(db)),
    migrationStatus: () => run(() => migrationStatus(db)),
    createUpload: (o) => run(() => createUpload(db, o)),
    findUpload: (owner, by) => run(() => findUpload(db, { owner, ...by })),
    findUploadByKey: (key) => run(() => findUpload(db, { key })),
    renewUpload: (id, o) => run(() => renewUpload(db, id, o)),
    setMultipart: (id, multipart) => run(() => setMultipart(db, id, multipart)),
    confirmUpload: (id, facts) => run(() => confirmUpload(db, id, facts)),
    expireUpload: (id, now, o) => run(() => expireUpload(db, id, now, o)),
    getFile: (owner, id) => run(() => getFile(db, owner, id)),
    listFiles: (owner, o) => run(() => listFiles(db, owner, o)),
    updateFile: (owner, id, patch) => run(() => updateFile(db, owner, id, patch)),
    deleteFile: (owner, id, now) => run(() => deleteFile(db, owner, id, now)),
    usage: (owner) => run(() => getUsage(db, owner)),
    overdueUploads: (now, limit, after) => run(() => overdueUploads(db, now, limit, after)),
    autoConfirmable: (o) => run(() => autoConfirmable(db, o)),
    removableGrants: (now, limit, after) => run(() => removableGrants(db, now, limit, after)),
    dropGrant: (fileId) => run(() => dropGrant(db, fileId)),
    checkReady: () =>
      run(async () => {
        await db.selectFrom('usage').select('owner').limit(1).execute()
      }),
    close: () => (closing ??= close()),
  }
}
