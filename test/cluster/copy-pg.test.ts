/** `postern db copy`: copies a catalog from SQLite to PostgreSQL and back. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { copyDatabase } from '../../src/catalog/copy-database.ts'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { makeBench, type Bench } from '../cli/run-postern.ts'
import { at, confirmedFile, newUpload } from '../conformance/catalog/fixtures.ts'
import { startPostgres, type Postgres } from '../fixtures/postgres.ts'
import { limit } from '../fixtures/time-limit.ts'

const tables = ['files', 'uploads', 'usage', 'links', 'moved_objects', 'stores']
const webhookTables = ['webhook_events', 'webhook_deliveries', 'webhooks_off']

let server: Postgres
let bench: Bench
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.close())
beforeEach(() => {
  bench = makeBench()
})
afterEach(() => bench.remove())

const sqlite = (name: string): string => `sqlite:${join(bench.path, name)}`
const copy = (from: string, to: string) =>
  bench.run(['db', 'copy', '--to', to, '--json'], { env: { DATABASE_URL: from } })

/** Rows in every table. */
async function fill(url: string, count: number): Promise<void> {
  const hook = 'https://example.com/hook'
  const catalog = await createCatalog({ url, subscribers: [{ url: hook, events: ['file.confirmed'] }] })
  try {
    await catalog.migrate()
    for (let i = 0; i < count; i++) {
      const filename = `Überweisung ${i} – 東京 🗼.txt`
      const metadata = { album: '"quoted" \\ and é', n: String(i) }
      const { file } = await confirmedFile(catalog, { file: { owner: `user ${i % 7}`, filename, metadata } })
      const tokenHash = randomUUID()
      await catalog.createLink(file.owner, {
        id: randomUUID(),
        fileId: file.id,
        tokenHash,
        expiresAt: null,
        mostLinks: 10,
        maxUses: i + 1,
        now: at(i),
      })
      const object = { bucket: 'b', key: `copy-${i}`, ...(i % 2 === 0 && { versionId: 'v' }) }
      await catalog.announceCopy({ id: randomUUID(), fileId: file.id, store: 's3', object, removableAt: at(i) })
    }
    const size = Number.MAX_SAFE_INTEGER - 20
    await catalog.createUpload(
      newUpload({ file: { owner: 'zoë' }, reserve: { bytes: size, exact: true }, grant: { declaredSize: size } }),
    )
    await catalog.switchOff(hook, at(9))
  } finally {
    await catalog.close()
  }
}

function rowsOf(url: string): Record<string, unknown[]> {
  const db = new Database(url.slice('sqlite:'.length), { readonly: true })
  const rows = [...tables, ...webhookTables].map((name) => [
    name,
    db.prepare(`SELECT * FROM ${name} ORDER BY 1, 2`).all(),
  ])
  db.close()
  return Object.fromEntries(rows) as Record<string, unknown[]>
}

it('copies every row to PostgreSQL and back', { timeout: limit(120_000) }, async () => {
  const [first, there, back] = [sqlite('first.sqlite'), await server.place(), sqlite('back.sqlite')]
  // More than go over at once.
  await fill(first, 603)
  const rows = rowsOf(first)
  const counts = Object.fromEntries(Object.entries(rows).map(([name, all]) => [name, all.length]))
  expect(counts).toMatchObject({
    files: 604,
    links: 603,
    moved_objects: 603,
    webhook_deliveries: 603,
    webhooks_off: 1,
    stores: 0,
  })

  const to = await copy(first, there)
  expect([to.exitCode, to.stderr]).toEqual([0, ''])
  expect(JSON.parse(to.stdout)).toEqual({ ok: true, copied: counts })
  const catalog = await createCatalog({ url: there })
  expect((await catalog.listFiles('user 3', { limit: 100 })).files).toHaveLength(86)
  expect(await catalog.usageDifferences()).toEqual([])
  await catalog.close()

  expect((await copy(there, back)).exitCode).toBe(0)
  expect(rowsOf(back)).toEqual(rows)
  expect(rowsOf(first)).toEqual(rows)
})

it('copies only to an empty database', async () => {
  const [first, there] = [sqlite('first.sqlite'), await server.place()]
  await fill(first, 3)
  expect((await copy(first, there)).exitCode).toBe(0)
  const again = await copy(first, there)
  expect([again.exitCode, JSON.parse(again.stdout)]).toEqual([
    1,
    { ok: false, error: expect.stringContaining('Choose an empty database.') },
  ])
  expect((await copy(first, first)).exitCode).toBe(2)
  expect((await copy(sqlite('none.sqlite'), there)).exitCode).toBe(1)
})

it('refuses while a server runs on either side', async () => {
  const [first, there] = [sqlite('first.sqlite'), await server.place()]
  const serve = async (url: string) => {
    const args = [
      'serve',
      '--dev',
      '--json',
      '--port',
      '0',
      '--set',
      'objects.listen=127.0.0.1:0',
      '--storage',
      join(bench.path, 'storage'),
    ]
    const started = bench.start(args, { env: { DATABASE_URL: url } })
    await started.until(/"api"/)
    return async () => {
      started.child.kill('SIGTERM')
      await started.finished
    }
  }
  const stopFirst = await serve(first)
  const refused = await copy(first, there)
  expect([refused.exitCode, refused.stdout]).toEqual([
    1,
    expect.stringContaining('Stop the server that uses it first.'),
  ])
  await stopFirst()
  const stopSecond = await serve(there)
  expect(await copy(first, there)).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('uses the database of --to'),
  })
  await stopSecond()
  expect((await copy(first, there)).exitCode).toBe(0)
})

it.each(['the catalog', 'the database of --to'])(
  'refuses when a server starts at %s meanwhile, and leaves nothing there',
  async (what) => {
    const [from, to] = [await server.place(), await server.place()]
    await fill(from, 3)
    let started: Promise<void> | undefined
    const start = async (): Promise<void> => {
      const catalog = await createCatalog({ url: what === 'the catalog' ? from : to })
      const now = new Date()
      const until = new Date(now.getTime() + 35_000)
      await catalog.takeLease('instance:new', { holder: 'new', now, until, note: '{"host":"box"}' })
      await catalog.close()
    }
    const copying = copyDatabase({
      from,
      to,
      now: new Date(),
      signal: new AbortController().signal,
      progress: () => (started ??= start()),
    })
    await expect(copying).rejects.toMatchObject({
      code: 'InvalidRequest',
      message: expect.stringContaining(`A server (on box) uses ${what}.`),
    })
    await started
    const catalog = await createCatalog({ url: to })
    expect(await catalog.totals()).toMatchObject({ files: 0 })
    await catalog.close()
  },
)

it('names --to if its URL is invalid', async () => {
  const first = sqlite('first.sqlite')
  await fill(first, 1)
  const { exitCode, stdout } = await copy(first, 'postgres://postern:very-private@127.0.0.1:1/x?sslmode=secure')
  expect([exitCode, JSON.parse(stdout)]).toEqual([
    1,
    { ok: false, error: expect.stringContaining('--to: sslmode must be one of') },
  ])
  expect(stdout).not.toContain('very-private')
})
