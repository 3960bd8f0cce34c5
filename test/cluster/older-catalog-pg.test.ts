/** A catalog in PostgreSQL that was restored from an older backup, next to a store on disk with several workers. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { as, download, store, upload } from '../api/caller.ts'
import { makeBench } from '../cli/run-postern.ts'
import { startGateway } from '../fixtures/gateway.ts'
import { schemaOf, startPostgres, type Postgres } from '../fixtures/postgres.ts'
import { startCommand, type RunningCommand } from '../fixtures/workers.ts'
import { limit } from '../fixtures/time-limit.ts'

let server: Postgres
let url: string
let dir: string
beforeAll(async () => {
  server = await startPostgres()
}, 120_000)
afterAll(() => server?.close())
beforeEach(async () => {
  url = await server.place()
  dir = mkdtempSync(join(tmpdir(), 'postern-pair-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
})

const tables = ['files', 'uploads', 'usage', 'stores']
/** As a dump of the database has them. */
async function save(): Promise<void> {
  for (const table of tables)
    await server.query(`create table ${schemaOf(url)}.saved_${table} as table ${schemaOf(url)}.${table}`)
}
async function putBack(): Promise<void> {
  const schema = schemaOf(url)
  await server.query(`truncate ${tables.map((table) => `${schema}.${table}`).join(', ')} cascade`)
  for (const table of tables) await server.query(`insert into ${schema}.${table} table ${schema}.saved_${table}`)
}

const serve = (workers: number): Promise<RunningCommand> =>
  startCommand({ server: { workers }, database: { url } }, { dir })

async function postern(...args: string[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const bench = makeBench()
  onTestFinished(() => bench.remove())
  return bench.run([...args, '--json', '--storage', join(dir, 'storage'), '--set', `database.url=${url}`])
}

it(
  'is refused until rebuild-catalog has added the files that were confirmed later',
  { timeout: limit(240_000) },
  async () => {
    const first = await serve(2)
    const before = await as(first, 'alice')
    const kept = await store(before, 'kept')
    const pending = await upload(before, 'pending')
    await first.close()
    await save()
    const second = await serve(2)
    const alice = await as(second, 'alice')
    expect((await alice.post('/files/confirm', { id: pending.id })).status).toBe(201)
    const later = await store(alice, 'later')
    await second.close()
    await (await serve(2)).close()

    await putBack()
    await expect(serve(2)).rejects.toThrow(/The catalog is older than the store.*postern rebuild-catalog/s)
    const rebuilt = await postern('rebuild-catalog')
    expect(rebuilt.exitCode).toBe(0)
    expect(JSON.parse(rebuilt.stdout)).toMatchObject({ restored: 2, known: 1, missing: 0 })
    const third = await serve(2)
    onTestFinished(() => third.close())
    for (const [file, bytes] of [
      [kept, 'kept'],
      [pending, 'pending'],
      [later, 'later'],
    ] as const)
      expect(await (await download(await as(third, 'alice'), file.id)).text()).toBe(bytes)
  },
)

it('is accepted next to a store from postern restore, and the log names the missing files', async () => {
  const gateway = await startGateway({ database: { url } }, { dir })
  const alice = await as(gateway, 'alice')
  const known = await store(alice, 'known')
  await save()
  const later = await store(alice, 'later')
  const made = await postern('backup', join(dir, 'backup.tar'), '--without-secrets')
  expect(made.exitCode).toBe(0)
  await gateway.close()
  await (await startGateway({ database: { url } }, { dir })).close()

  rmSync(join(dir, 'storage'), { recursive: true })
  expect((await postern('restore', join(dir, 'backup.tar'))).exitCode).toBe(0)
  await putBack()
  const lines: string[] = []
  const note = (_: object, message: string): void => void lines.push(message)
  const log = { trace() {}, debug() {}, info() {}, warn: note, error: note, fatal: note }
  const restored = await startGateway(
    { database: { url } },
    { dir, log: { ...log, isLevelEnabled: () => true, child: () => log } as never },
  )
  const user = await as(restored, 'alice')
  expect(await (await download(user, known.id)).text()).toBe('known')
  expect((await user.get(`/files/${later.id}`)).status).toBe(404)
  expect(lines.join('\n')).toMatch(
    /lacks the last confirmed file of .* Stop the server and run postern rebuild-catalog/,
  )
  await restored.close()
  expect(JSON.parse((await postern('rebuild-catalog')).stdout)).toMatchObject({ restored: 1, known: 1 })
})

it('is refused next to a newer copy of the folder, no matter which of two servers used it last', async () => {
  const one = await startGateway({ database: { url } }, { dir })
  await store(await as(one, 'alice'), 'one')
  await one.close()
  cpSync(join(dir, 'storage'), join(dir, 'older'), { recursive: true })
  const two = await startGateway({ database: { url } }, { dir })
  await store(await as(two, 'alice'), 'two')
  await two.close()
  rmSync(join(dir, 'storage'), { recursive: true })
  cpSync(join(dir, 'older'), join(dir, 'storage'), { recursive: true })
  await expect(startGateway({ database: { url } }, { dir })).rejects.toThrow(/The store is older than the catalog/)
})
