/** The catalog on PostgreSQL: the suite that SQLite runs too, and tests with several connections. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Catalog, Subscriber } from '../../src/catalog/catalog.ts'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { at, confirmedFile, facts, newUpload } from '../conformance/catalog/fixtures.ts'
import { catalogSuite } from '../conformance/catalog-suite.ts'
import { schemaOf, startPostgres, type Postgres } from '../fixtures/postgres.ts'

let server: Postgres
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.close())

async function openCatalog(url: string, subscribers: readonly Subscriber[] = []): Promise<Catalog> {
  const catalog = await createCatalog({ url, subscribers })
  await catalog.migrate()
  return catalog
}

/** One place, emptied each time: making the tables anew takes longer than most of the tests. */
let reused: string | undefined
catalogSuite('postgres', async (subscribers) => {
  reused ??= await server.place()
  const catalog = await openCatalog(reused, subscribers)
  await server.empty(reused)
  return catalog
})

describe('postgres', () => {
  const opened: Catalog[] = []
  /** `count` catalogs with pools of their own over one place. */
  async function several(count: number): Promise<Catalog[]> {
    const url = await server.place()
    const catalogs = await Promise.all(Array.from({ length: count }, () => openCatalog(url)))
    opened.push(...catalogs)
    return catalogs
  }
  afterAll(() => Promise.all(opened.map((catalog) => catalog.close())))
  const times = <T>(count: number, make: (i: number) => Promise<T>): Promise<PromiseSettledResult<T>[]> =>
    Promise.allSettled(Array.from({ length: count }, (_, i) => make(i)))
  const refusals = (results: PromiseSettledResult<unknown>[]) =>
    results.filter((result) => result.status === 'rejected').map((result) => result.reason.code as string)

  it('grants one of fifty parallel requests of five instances when the quota has room for one', async () => {
    const catalogs = await several(5)
    const quota = { userBytes: 10, userFiles: null }
    const results = await times(50, (i) => catalogs[i % 5]!.createUpload(newUpload({ quota })))
    expect(refusals(results)).toEqual(Array.from({ length: 49 }, () => 'QuotaExceeded'))
    expect(await catalogs[0]!.usage('alice')).toMatchObject({ reservedBytes: 10, reservedFiles: 1 })
  })

  it('creates one file from a hundred parallel confirms', async () => {
    const catalogs = await several(4)
    const upload = await catalogs[0]!.createUpload(newUpload())
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => catalogs[i % 4]!.confirmUpload(upload.file.id, facts(upload))),
    )
    expect(answers.filter(({ created }) => created)).toHaveLength(1)
    expect(new Set(answers.map(({ file }) => JSON.stringify(file))).size).toBe(1)
    expect(await catalogs[0]!.usage('alice')).toEqual({ bytes: 10, files: 1, reservedBytes: 0, reservedFiles: 0 })
  })

  it('gives each upload one outcome when confirm, expiry, renewal and deletion race', async () => {
    const catalogs = await several(4)
    for (let round = 0; round < 25; round++) {
      const owner = `owner-${round}`
      const upload = await catalogs[0]!.createUpload(newUpload({ file: { owner } }))
      const { id } = upload.file
      const later = { urlExpiresAt: at(9000), confirmBy: at(9999), writeOnce: true }
      const [confirmed, expired, renewed, deleted] = await Promise.allSettled([
        catalogs[0]!.confirmUpload(id, facts(upload)),
        catalogs[1]!.expireUpload(id, at(3600), { onlyIfOverdue: true }),
        catalogs[2]!.renewUpload(id, later),
        catalogs[3]!.deleteFile(owner, id, at(50)),
      ])
      const status = (await catalogs[0]!.findUpload(owner, { id }))?.file.status
      const usage = await catalogs[0]!.usage(owner)
      const counted = { confirmed: [10, 1], expired: [0, 0], deleted: [0, 0], pending: [-1, -1] }[status!]
      expect([usage.bytes, usage.files, usage.reservedBytes, usage.reservedFiles]).toEqual([...counted, 0, 0])
      expect(expired).toEqual({ status: 'fulfilled', value: status === 'expired' })
      const refusal = confirmed.status === 'rejected' ? confirmed.reason.code : 'NotFound'
      expect(refusal).toBe('NotFound')
      // Who was told that the upload is confirmed or renewed never finds it expired for being late.
      const isKept = confirmed.status === 'fulfilled' || (renewed.status === 'fulfilled' && renewed.value !== null)
      expect(isKept && status === 'expired').toBe(false)
      expect(deleted).toMatchObject({ status: 'fulfilled' })
    }
  })

  it('is shared by processes that start, migrate and write together', async () => {
    const url = await server.place()
    const worker = join(import.meta.dirname, '../catalog/fill-quota.ts')
    const children = [1, 2, 3].map(() => fork(worker, [url], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }))
    const created = await Promise.all(
      children.map(async (child) => {
        const [[count]] = await Promise.all([once(child, 'message'), once(child, 'exit')])
        return count as number
      }),
    )
    expect(created.reduce((sum, count) => sum + count, 0)).toBe(30)
    const catalog = await openCatalog(url)
    opened.push(catalog)
    expect(await catalog.usage('alice')).toMatchObject({ reservedBytes: 300, reservedFiles: 30 })
  })

  it('lists in byte order with any locale of the database', async () => {
    const [catalog] = await several(1)
    const names = ['b', 'B', 'a', 'A', '_', '-', 'é']
    for (const id of names) await catalog!.createUpload(newUpload({ file: { id, key: `uploads/${id}` } }))
    const files = (await catalog!.listFiles('alice', { limit: 20 })).files.map(({ id }) => id)
    expect(files).toEqual(names.toSorted((a, b) => Buffer.compare(Buffer.from(b), Buffer.from(a))))
    const rows = await server.query<{ column_name: string }>(
      `select table_name, column_name from information_schema.columns where table_schema like 'place_%'
       and table_name not like 'kysely%' and data_type = 'text' and collation_name is distinct from 'C'`,
    )
    expect(rows).toEqual([])
  })

  it('counts bytes beyond 2^31 as numbers', async () => {
    const [catalog] = await several(1)
    const size = 5 * 2 ** 40
    const upload = await catalog!.createUpload(newUpload({ reserve: { bytes: size, exact: true } }))
    await catalog!.confirmUpload(upload.file.id, facts(upload, { size }))
    expect(await catalog!.usage('alice')).toMatchObject({ bytes: size })
    expect((await catalog!.getFile('alice', upload.file.id))?.size).toBe(size)
  })

  it('finds nothing for a key that PostgreSQL cannot store', async () => {
    const [catalog] = await several(1)
    expect(await catalog!.findUploadByKey('a\0b')).toBeNull()
    expect(await catalog!.findUpload('alice', { key: '\0' })).toBeNull()
  })

  it('refuses a schema newer than the program, and does not change it', async () => {
    const url = await server.place()
    await (await openCatalog(url)).close()
    const schema = schemaOf(url)
    await server.query(`insert into ${schema}.kysely_migration values ('9999-later', '${at(0).toISOString()}')`)
    const catalog = await createCatalog({ url })
    opened.push(catalog)
    await expect(catalog.migrate()).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringMatching(/newer version.*9999-later.*Start that version or a later one/),
    })
    expect((await catalog.migrationStatus()).at(-1)).toEqual({ name: '9999-later', appliedAt: at(0) })
  })

  it('migrates next to a catalog in another schema and next to tables of another program', async () => {
    await confirmedFile((await several(1))[0]!)
    const url = await server.place()
    const schema = schemaOf(url)
    await server.query(`create table ${schema}.files (name text)`)
    const catalog = await createCatalog({ url })
    opened.push(catalog)
    await expect(catalog.migrate()).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('tables of another program'),
    })
  })
})
