import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Subscriber } from '../../src/catalog/catalog.ts'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { migrations } from '../../src/catalog/migrations/index.ts'
import { translateSqliteError } from '../../src/catalog/sqlite.ts'
import { at, confirmedFile, facts, newUpload } from '../conformance/catalog/fixtures.ts'
import { catalogSuite } from '../conformance/catalog-suite.ts'

const names = Object.keys(migrations)

async function openCatalog(url: string, subscribers: readonly Subscriber[] = []) {
  const catalog = await createCatalog({ url, subscribers })
  await catalog.migrate()
  return catalog
}

catalogSuite('sqlite', (subscribers) => openCatalog('sqlite::memory:', subscribers))

describe('sqlite file', () => {
  let folder: string
  let file: string
  const url = () => `sqlite:${file}`

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-catalog-'))
    file = join(folder, 'made', 'for it', 'catalog.sqlite')
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('keeps everything across reopening', async () => {
    const first = await openCatalog(url())
    const upload = await confirmedFile(first)
    const before = await first.findUpload('alice', { id: upload.file.id })
    await first.close()
    const second = await openCatalog(url())
    expect(await second.findUpload('alice', { id: upload.file.id })).toEqual(before)
    expect(await second.usage('alice')).toMatchObject({ bytes: 10, files: 1 })
    await second.close()
  })

  it.skipIf(process.platform === 'win32')('is private to its user, and so are the folders made for it', async () => {
    const catalog = await openCatalog(url())
    await catalog.createUpload(newUpload())
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
    expect(await mode(join(folder, 'made'))).toBe('700')
    expect(await mode(join(folder, 'made', 'for it'))).toBe('700')
    expect(await mode(file)).toBe('600')
    expect(await mode(`${file}-wal`)).toBe('600')
    await catalog.close()
  })

  it('commits durably: WAL with synchronous=FULL, foreign keys on', async () => {
    const pragmas = vi.spyOn(Database.prototype, 'pragma')
    const catalog = await openCatalog(url())
    const database = pragmas.mock.contexts[0] as Database.Database
    pragmas.mockRestore()
    const read = (name: string) => database.pragma(name, { simple: true })
    expect([read('journal_mode'), read('synchronous'), read('foreign_keys'), read('busy_timeout')]).toEqual([
      'wal',
      2,
      1,
      25,
    ])
    await catalog.close()
  })

  it('refuses a schema newer than the program, and does not change it', async () => {
    await (await openCatalog(url())).close()
    const database = new Database(file)
    database
      .prepare('insert into kysely_migration (name, timestamp) values (?, ?)')
      .run('9999-later', at(0).toISOString())
    database.close()
    const catalog = await createCatalog({ url: url() })
    await expect(catalog.migrate()).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringMatching(/newer version.*9999-later.*Start that version or a later one/),
    })
    expect(await catalog.migrationStatus()).toEqual([
      ...names.map((name) => ({ name, appliedAt: expect.any(Date) })),
      { name: '9999-later', appliedAt: at(0) },
    ])
    await catalog.close()
  })

  it('reports a pending migration, and runs it once', async () => {
    const catalog = await createCatalog({ url: url() })
    expect(await catalog.migrationStatus()).toEqual(names.map((name) => ({ name, appliedAt: null })))
    expect(await catalog.migrate()).toEqual({ applied: names })
    expect(await catalog.migrate()).toEqual({ applied: [] })
    await catalog.close()
  })

  it('is migrated by one of several concurrent starts', async () => {
    const catalogs = await Promise.all([1, 2, 3].map(() => createCatalog({ url: url() })))
    const results = await Promise.all(catalogs.map((catalog) => catalog.migrate()))
    expect(results.flatMap((result) => result.applied)).toEqual(names)
    await Promise.all(catalogs.map((catalog) => catalog.close()))
  })

  it('serialises two connections: one of fifty parallel requests gets the remaining quota', async () => {
    const catalogs = [await openCatalog(url()), await openCatalog(url())]
    const quota = { userBytes: 10, userFiles: null }
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) => catalogs[i % 2]!.createUpload(newUpload({ quota }))),
    )
    const refusals = results.filter((result) => result.status === 'rejected').map((result) => result.reason.code)
    expect(refusals).toEqual(Array.from({ length: 49 }, () => 'QuotaExceeded'))
    expect(await catalogs[0]!.usage('alice')).toMatchObject({ reservedBytes: 10, reservedFiles: 1 })
    await Promise.all(catalogs.map((catalog) => catalog.close()))
  })

  it('is shared by processes that start, migrate and write concurrently', async () => {
    const worker = join(import.meta.dirname, 'fill-quota.ts')
    const children = [1, 2, 3].map(() => fork(worker, [url()], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }))
    const created = await Promise.all(
      children.map(async (child) => {
        const [[count]] = await Promise.all([once(child, 'message'), once(child, 'exit')])
        return count as number
      }),
    )
    expect(created.reduce((sum, count) => sum + count, 0)).toBe(30)
    const catalog = await openCatalog(url())
    expect(await catalog.usage('alice')).toMatchObject({ reservedBytes: 300, reservedFiles: 30 })
    await catalog.close()
  })

  it('is Unavailable while another process holds the write lock, and recovers', async () => {
    const catalog = await openCatalog(url())
    const other = new Database(file)
    other.exec('begin immediate')
    await expect(catalog.createUpload(newUpload())).rejects.toMatchObject({ code: 'Unavailable', retryAfter: 1 })
    expect(await catalog.usage('alice')).toMatchObject({ reservedFiles: 0 })
    // A lock that is held for a moment only delays the write.
    const waiting = catalog.createUpload(newUpload())
    setTimeout(() => {
      other.exec('rollback')
      other.close()
    }, 100)
    await waiting
    await catalog.close()
  })

  it('is Unavailable when the disk is full, keeps reading, and recovers', async () => {
    const pragmas = vi.spyOn(Database.prototype, 'pragma')
    const catalog = await openCatalog(url())
    const database = pragmas.mock.contexts[0] as Database.Database
    pragmas.mockRestore()
    const upload = await catalog.createUpload(newUpload())
    const pages = database.pragma('page_count', { simple: true }) as number
    database.pragma(`max_page_count = ${pages}`)
    const big = newUpload({ file: { metadata: { a: 'x'.repeat(20_000) } } })
    await expect(catalog.createUpload(big)).rejects.toMatchObject({ code: 'Unavailable', retryAfter: 5 })
    expect(await catalog.usage('alice')).toMatchObject({ reservedFiles: 1 })
    expect(await catalog.confirmUpload(upload.file.id, facts(upload))).toMatchObject({ created: true })
    database.pragma('max_page_count = 4294967294')
    await catalog.createUpload(big)
    await catalog.close()
  })

  it('never reads a whole table for one row or one page', async () => {
    const prepare = vi.spyOn(Database.prototype, 'prepare')
    const catalog = await openCatalog(url())
    prepare.mockClear()
    const { file: upload } = await catalog.createUpload(newUpload())
    const first = (await confirmedFile(catalog)).file
    const by = { urlExpiresAt: at(900), confirmBy: at(4000), writeOnce: true }
    await catalog.findUpload('alice', { id: upload.id })
    await catalog.findUpload('alice', { key: upload.key })
    await catalog.findUploadByKey(upload.key)
    await catalog.renewUpload(upload.id, by)
    await catalog.setMultipart(upload.id, { uploadId: 'u', partSize: 1, partCount: 1 })
    await catalog.getFile('alice', upload.id)
    const { nextCursor } = await catalog.listFiles('alice', { limit: 1 })
    await catalog.listFiles('alice', { limit: 1, cursor: nextCursor!, q: 'a' })
    await catalog.updateFile('alice', upload.id, { filename: 'b' })
    const [overdue] = await catalog.overdueUploads(at(99_999), 5)
    await catalog.overdueUploads(at(99_999), 5, overdue)
    await catalog.autoConfirmable({ limit: 5 })
    await catalog.autoConfirmable({ limit: 5, owner: 'alice', after: overdue! })
    await catalog.expireUpload(upload.id, at(99_999), { onlyIfOverdue: true })
    await catalog.deleteFile('alice', first.id, at(5))
    const [removable] = await catalog.removableGrants(at(99_999), 5)
    await catalog.removableGrants(at(99_999), 5, removable)
    await catalog.dropGrant(first.id)
    const statements = new Set(
      prepare.mock.calls.map(([sql]) => sql).filter((sql) => /^(select|update|delete)/.test(sql)),
    )
    prepare.mockRestore()
    await catalog.close()

    const database = new Database(file, { readonly: true })
    expect(statements.size).toBeGreaterThan(20)
    for (const sql of statements) {
      const parameters = Array.from(sql.matchAll(/\?/g), () => null)
      const plan = database.prepare(`explain query plan ${sql}`).all(parameters) as { detail: string }[]
      // Walking the partial index of pending autoConfirm uploads in its own order is what that page wants.
      const slow = plan.filter(({ detail }) => /\bSCAN\b(?!.* uploads_auto_confirm$)|TEMP B-TREE/.test(detail))
      expect({ sql, slow }).toEqual({ sql, slow: [] })
    }
    database.close()
  })
})

describe('opening', () => {
  it('refuses another kind of database', async () => {
    await expect(createCatalog({ url: 'mysql://localhost/postern' })).rejects.toMatchObject({ code: 'NotSupported' })
    await expect(createCatalog({ url: 'sqlite:' })).rejects.toMatchObject({ code: 'NotSupported' })
  })

  it('explains a file that is not a database, and an invalid path', async () => {
    await expect(createCatalog({ url: `sqlite:${import.meta.filename}` })).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('Restore it from a backup'),
    })
    const below = join(import.meta.filename, 'catalog.sqlite')
    await expect(createCatalog({ url: `sqlite:${below}` })).rejects.toMatchObject({ code: 'Unavailable' })
  })

  it.each([
    ['SQLITE_FULL', 'Unavailable'],
    ['SQLITE_BUSY', 'Unavailable'],
    ['SQLITE_BUSY_SNAPSHOT', 'Unavailable'],
    ['SQLITE_CORRUPT_INDEX', 'Unavailable'],
    ['SQLITE_NOTADB', 'Unavailable'],
    ['SQLITE_IOERR_FSYNC', 'Internal'],
    ['SQLITE_READONLY', 'Unavailable'],
    ['SQLITE_CONSTRAINT_UNIQUE', 'Internal'],
    ['SQLITE_ERROR', 'Internal'],
  ])('translates %s to %s and keeps the cause', (sqlite, code) => {
    const cause = new Database.SqliteError('as SQLite said it', sqlite)
    const error = translateSqliteError(cause, '/data/catalog.sqlite')
    expect(error).toMatchObject({ code, cause })
    expect(error.message).not.toContain('as SQLite said it')
  })
})
