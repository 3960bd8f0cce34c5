/**
 * A catalog next to a newer store, and a store next to a newer catalog: the message at startup, and the effect of the
 * commands.
 */
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import { as, download, store, upload, type FileJson } from '../api/caller.ts'
import { blobFiles } from '../drivers/disk-fixture.ts'
import { type RunningGateway } from '../fixtures/gateway.ts'
import { bench, catalog, folder, start, useStoreFolder } from './store-folder.ts'
import { limit } from '../fixtures/time-limit.ts'

useStoreFolder()

const ends = ['', '-wal', '-shm']

/** Everything, as a crash at this moment would leave it. */
function copyAll(name: string): string {
  const to = join(bench.path, name)
  mkdirSync(to)
  cpSync(folder(), join(to, 'storage'), { recursive: true })
  for (const end of ends) if (existsSync(catalog() + end)) cpSync(catalog() + end, join(to, `catalog.sqlite${end}`))
  return to
}
function putBack(what: 'catalog' | 'store', from: string): void {
  if (what === 'store') {
    rmSync(folder(), { recursive: true })
    return cpSync(join(from, 'storage'), folder(), { recursive: true })
  }
  for (const end of ends) {
    rmSync(catalog() + end, { force: true })
    if (existsSync(join(from, `catalog.sqlite${end}`))) cpSync(join(from, `catalog.sqlite${end}`), catalog() + end)
  }
}

/** What the start says; it must not have deleted a blob. */
async function refusal(): Promise<string> {
  const before = (await blobFiles(folder())).toSorted()
  const said = await start().then(
    () => 'nothing: it started',
    (error: Error) => error.message,
  )
  expect((await blobFiles(folder())).toSorted()).toEqual(before)
  return said
}

async function rebuildCatalog(): Promise<Record<string, unknown>> {
  const { exitCode, stdout } = await bench.run([
    'rebuild-catalog',
    '--json',
    '--set',
    `database.url=sqlite:${catalog()}`,
  ])
  return { exitCode, ...(JSON.parse(stdout) as object) }
}

async function served(files: readonly Pick<FileJson, 'id'>[], bytes: readonly string[]): Promise<void> {
  const gateway = await start()
  try {
    const alice = await as(gateway, 'alice')
    for (const [i, { id }] of files.entries()) expect(await (await download(alice, id)).text()).toBe(bytes[i])
    expect((await alice.get('/readyz')).status).toBe(200)
  } finally {
    await gateway.close()
  }
}

/** Ends without the last step, as SIGKILL does. */
const crash = async (gateway: RunningGateway): Promise<void> => {
  const copy = copyAll('crashed')
  await gateway.close()
  putBack('catalog', copy)
  putBack('store', copy)
  rmSync(copy, { recursive: true })
}

const olderCatalog =
  /The catalog is older than the store.*nothing was deleted.*put back the newer catalog; postern rebuild-catalog/s

it.each([
  ['while no server ran; the last one was stopped', 'stopped', 'stopped'],
  ['while no server ran; the last one crashed', 'stopped', 'crashed'],
  ['while the server ran, which was stopped', 'running', 'stopped'],
  ['while the server ran, which crashed', 'running', 'crashed'],
] as const)(
  'refuses a catalog that was copied %s, and serves everything after rebuild-catalog',
  async (_, copied, end) => {
    let gateway = await start()
    let alice = await as(gateway, 'alice')
    const first = await store(alice, 'the first')
    // Confirmed later: an older catalog has it as an upload that will expire.
    const pending = await upload(alice, 'the pending')
    let copy: string
    if (copied === 'stopped') {
      await gateway.close()
      copy = copyAll('older')
      gateway = await start()
      alice = await as(gateway, 'alice')
    } else copy = copyAll('older')
    expect((await alice.post('/files/confirm', { id: pending.id })).status).toBe(201)
    const second = await store(alice, 'the second')
    await (end === 'stopped' ? gateway.close() : crash(gateway))

    putBack('catalog', copy)
    expect(await refusal()).toMatch(olderCatalog)
    // Commands that remove what the catalog does not know are refused as well.
    const gc = await bench.run(['gc', '--orphans', '--set', `database.url=sqlite:${catalog()}`])
    expect(gc).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(olderCatalog) as string })
    expect(await rebuildCatalog()).toMatchObject({ exitCode: 0, ok: true, restored: 2, known: 1, missing: 0 })
    await served([first, pending, second], ['the first', 'the pending', 'the second'])
  },
)

it('counts the files of an older catalog without bytes, and accepts it', async () => {
  const gateway = await start()
  const alice = await as(gateway, 'alice')
  const [kept, deleted] = [await store(alice, 'kept'), await store(alice, 'deleted')]
  await gateway.close()
  const copy = copyAll('older')
  const later = await start()
  await (await as(later, 'alice')).delete(`/files/${deleted.id}`)
  await later.close()
  putBack('catalog', copy)
  expect(await refusal()).toMatch(olderCatalog)
  expect(await rebuildCatalog()).toMatchObject({ exitCode: 1, ok: false, restored: 0, known: 1, missing: 1 })
  await served([kept], ['kept'])
})

it('refuses a store that is older than the catalog, until rebuild-catalog accepts it', async () => {
  const gateway = await start()
  const first = await store(await as(gateway, 'alice'), 'the first')
  await gateway.close()
  const copy = copyAll('older')
  const later = await start()
  await store(await as(later, 'alice'), 'the second')
  await crash(later)
  putBack('store', copy)
  expect(await refusal()).toMatch(
    /The store is older than the catalog.*put back the newer folder; postern rebuild-catalog/s,
  )
  expect(await rebuildCatalog()).toMatchObject({ exitCode: 1, restored: 0, known: 1, missing: 1 })
  await served([first], ['the first'])
})

it('refuses a pair whose parts were used with other copies since', async () => {
  await (await start()).close()
  const copy = copyAll('twin')
  for (const dir of [bench.path, copy]) {
    const gateway = await start(dir)
    await store(await as(gateway, 'alice'), `of ${dir}`)
    await gateway.close()
  }
  putBack('catalog', copy)
  expect(await refusal()).toMatch(/used separately after they were copied/)
})

it('starts after a crash between any two steps of a generation', async () => {
  await (await start()).close()
  const db = new Database(catalog())
  const step = (column: string): void =>
    void db.exec(
      `UPDATE stores SET ${column} = ${column} + 2, ${column === 'generation' ? 'mark' : 'announced_mark'} = 'x'`,
    )
  step('announced')
  await (await start()).close()
  step('announced')
  await (await start()).close()
  const index = new Database(join(folder(), 'index.sqlite'))
  const { number } = index.prepare('SELECT number FROM paired').get() as { number: number }
  index.close()
  expect(db.prepare('SELECT generation, announced FROM stores').get()).toEqual({
    generation: number,
    announced: number,
  })
  db.close()
})

it('starts from a backup taken while files were confirmed and deleted', async () => {
  const gateway = await start()
  const alice = await as(gateway, 'alice')
  const stopped = new AbortController()
  const work = (async () => {
    for (let i = 0; !stopped.signal.aborted; i++) {
      const { id } = await store(alice, `file ${i}`)
      if (i % 3 === 0) await alice.delete(`/files/${id}`)
    }
  })()
  const options = ['--storage', folder(), '--set', `database.url=sqlite:${catalog()}`, '--without-secrets']
  const made = await bench.run(['backup', 'backup.tar', ...options])
  stopped.abort()
  await work
  await gateway.close()
  expect(made).toMatchObject({ exitCode: 0 })
  const to = join(bench.path, 'restored')
  const where = ['--storage', join(to, 'storage'), '--set', `database.url=sqlite:${join(to, 'catalog.sqlite')}`]
  expect(await bench.run(['restore', 'backup.tar', ...where])).toMatchObject({ exitCode: 0 })
  const restored = await start(to)
  const { files } = (await (await as(restored, 'alice')).get('/files')).json
  // A file whose upload the backup caught in the middle is pending.
  const confirmed = files.filter(({ status }: { status: string }) => status === 'confirmed')
  expect(confirmed.length).toBeGreaterThan(0)
  for (const { id } of confirmed) expect((await download(await as(restored, 'alice'), id)).status).toBe(200)
  await restored.close()
})

it('is not ready once the catalog is replaced by an older one while the server runs', async () => {
  const gateway = await start()
  const alice = await as(gateway, 'alice')
  await store(alice, 'one file')
  expect((await alice.get('/readyz')).status).toBe(200)
  const db = new Database(catalog())
  db.exec("UPDATE stores SET generation = 0, mark = 'x', announced = 0, announced_mark = 'x'")
  db.close()
  await expect.poll(async () => (await alice.get('/readyz')).status, { timeout: limit(20_000) }).toBe(503)
  await gateway.close()
  // Nor did the stop hide it.
  expect(await refusal()).toMatch(olderCatalog)
})

it('does not add the files of one store to the catalog of another', async () => {
  const gateway = await start()
  await store(await as(gateway, 'alice'), 'mine')
  await gateway.close()
  const other = join(bench.path, 'other')
  mkdirSync(other)
  const theirs = await start(other)
  await store(await as(theirs, 'alice'), 'theirs')
  await theirs.close()
  putBack('catalog', other)
  const { exitCode, error } = await rebuildCatalog()
  expect({ exitCode, error }).toMatchObject({
    exitCode: 1,
    error: expect.stringContaining('has files of the store') as string,
  })
})
