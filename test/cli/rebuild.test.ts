/**
 * Index, log and catalog that are lost, emptied or replaced by older ones: the message at startup, and the result of
 * the commands.
 */
import { cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { as, download, store, upload, type FileJson } from '../api/caller.ts'
import { blobFiles } from '../drivers/disk-fixture.ts'
import { dumpIndex } from '../drivers/store-log.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { makeBench } from './run-postern.ts'
import { bench, catalog, folder, start, useStoreFolder } from './store-folder.ts'
import { limit } from '../fixtures/time-limit.ts'

useStoreFolder()

const index = (): string => join(folder(), 'index.sqlite')
const postern = async (...args: string[]): Promise<Record<string, any>> => {
  const { exitCode, stdout } = await bench.run([...args, '--json', '--set', `database.url=sqlite:${catalog()}`])
  return { exitCode, ...(JSON.parse(stdout) as object) }
}

type Kept = { file: FileJson; bytes: string }

/** Files of two users, one of them renamed, one public; one deleted; one not confirmed. */
async function fill(gateway: RunningGateway, round: string): Promise<{ kept: Kept[]; deleted: string }> {
  const kept: Kept[] = []
  for (const user of ['alice', 'bob']) {
    const caller = await as(gateway, user)
    for (const visibility of ['private', 'public']) {
      const bytes = `${round}: the ${visibility} bytes of ${user}`
      const { id } = await store(caller, bytes, { visibility, metadata: { round } })
      await caller.patch(`/files/${id}`, { filename: `${round}, renamed.txt` })
      kept.push({ file: (await caller.get(`/files/${id}`)).json, bytes })
    }
  }
  const alice = await as(gateway, 'alice')
  const { id } = await store(alice, `${round}: deleted`)
  await alice.delete(`/files/${id}`)
  await upload(alice, `${round}: never confirmed`)
  return { kept, deleted: id }
}

/** How many of the files are served as they were; the deleted ones must not be. */
async function served(kept: readonly Kept[], deleted: string[] = []): Promise<number> {
  const gateway = await start()
  try {
    for (const { file, bytes } of kept) {
      const owner = await as(gateway, bytes.endsWith('alice') ? 'alice' : 'bob')
      // The URL names the port, and a restored record the moment before the catalog had it.
      const { publicUrl: _url, confirmedAt: _at, ...same } = file
      expect((await owner.get(`/files/${file.id}`)).json).toMatchObject(same)
      expect(await (await download(owner, file.id)).text()).toBe(bytes)
    }
    const alice = await as(gateway, 'alice')
    for (const id of deleted) expect((await alice.get(`/files/${id}`)).status).toBe(404)
    return kept.length
  } finally {
    await gateway.close()
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

const loseIndex = (): void => {
  for (const end of ['', '-wal', '-shm']) rmSync(index() + end, { force: true })
}
const loseCatalog = (): void => {
  for (const end of ['', '-wal', '-shm']) rmSync(catalog() + end, { force: true })
}

/** A server beside which the states of a converted store are written to the log. */
async function untilLogged(): Promise<void> {
  const gateway = await start()
  const db = new Database(index(), { readonly: true })
  const unlogged = db.prepare('SELECT unlogged FROM applied').pluck()
  await expect.poll(() => unlogged.get(), { timeout: limit(20_000) }).toBe(null)
  db.close()
  await gateway.close()
}

async function filled(): Promise<Awaited<ReturnType<typeof fill>>> {
  const gateway = await start()
  const result = await fill(gateway, 'first')
  await gateway.close()
  return result
}

describe('a store', () => {
  it.each([
    ['is gone', loseIndex],
    [
      'is empty',
      () => {
        loseIndex()
        writeFileSync(index(), '')
      },
    ],
  ])('whose index %s is refused, and serves everything after rebuild-index', async (_, lose) => {
    const { kept, deleted } = await filled()
    lose()
    expect(await refusal()).toMatch(
      /index\.sqlite is missing or empty.*blobs in objects\/.*files of this store in the catalog.*postern rebuild-index/s,
    )
    expect(await postern('rebuild-index')).toMatchObject({ exitCode: 0, ok: true, gaps: [], missingBlobs: [] })
    expect(await served(kept, [deleted])).toBe(kept.length)
  })

  it('whose catalog is gone is refused, and serves every confirmed file after rebuild-catalog', async () => {
    const { kept, deleted } = await filled()
    loseCatalog()
    expect(await refusal()).toMatch(/catalog is new and has no files.*4 confirmed files.*postern rebuild-catalog/s)
    loseCatalog()
    expect(await postern('rebuild-catalog')).toMatchObject({ exitCode: 0, restored: 4, known: 0, unnoted: 0 })
    expect(await postern('rebuild-catalog')).toMatchObject({ exitCode: 0, restored: 0, known: 4 })
    expect(await served(kept, [deleted])).toBe(kept.length)
  })

  it('that lost index and catalog serves every confirmed file after both commands', async () => {
    const { kept, deleted } = await filled()
    loseIndex()
    loseCatalog()
    expect(await refusal()).toMatch(/index\.sqlite is missing or empty/)
    expect(await postern('rebuild-index')).toMatchObject({ exitCode: 0 })
    expect(await postern('rebuild-catalog')).toMatchObject({ exitCode: 0, restored: 4 })
    expect(await served(kept, [deleted])).toBe(kept.length)
  })

  it('with an index from an older copy also serves newer objects, without a command', async () => {
    const first = await filled()
    cpSync(index(), join(bench.path, 'older.sqlite'))
    const gateway = await start()
    const second = await fill(gateway, 'second')
    await gateway.close()
    loseIndex()
    cpSync(join(bench.path, 'older.sqlite'), index())
    expect(await served([...first.kept, ...second.kept], [first.deleted, second.deleted])).toBe(8)
  })

  it('without a log is refused, and serves everything after rebuild-log', async () => {
    const { kept, deleted } = await filled()
    rmSync(join(folder(), 'objects/log'), { recursive: true })
    expect(await refusal()).toMatch(/objects\/log is missing or empty.*postern rebuild-log/s)
    expect(await postern('rebuild-log')).toMatchObject({ exitCode: 0, ok: true, setAside: null })
    expect(await served(kept, [deleted])).toBe(kept.length)
    // The new log is as good as the old one.
    const before = dumpIndex(index())
    loseIndex()
    expect(await postern('rebuild-index')).toMatchObject({ exitCode: 0 })
    expect(dumpIndex(index())).toEqual(before)
  })

  it('with a log older than the index is refused, and rebuild-log keeps the old log', async () => {
    const first = await filled()
    cpSync(join(folder(), 'objects/log'), join(bench.path, 'older'), { recursive: true })
    const gateway = await start()
    const second = await fill(gateway, 'second')
    await gateway.close()
    rmSync(join(folder(), 'objects/log'), { recursive: true })
    cpSync(join(bench.path, 'older'), join(folder(), 'objects/log'), { recursive: true })
    expect(await refusal()).toMatch(/The log is older.*postern rebuild-log/s)
    const { setAside } = await postern('rebuild-log')
    expect(readdirSync(setAside as string)).toEqual(['0000000001.pack'])
    expect(await served([...first.kept, ...second.kept])).toBe(8)
  })

  it('with an index of another store is refused, and serves everything after rebuild-index', async () => {
    const { kept, deleted } = await filled()
    const other = makeBench()
    try {
      const gateway = await startGateway({}, { dir: other.path })
      await fill(gateway, 'other')
      await gateway.close()
      loseIndex()
      cpSync(join(other.path, 'storage/index.sqlite'), index())
      expect(await refusal()).toMatch(
        /follows the log .* of the store [0-9a-f]{32}, and .* belongs to the store [0-9a-f]{32}.*postern rebuild-index/s,
      )
      expect(await postern('rebuild-index')).toMatchObject({ exitCode: 0 })
      expect(await served(kept, [deleted])).toBe(kept.length)
    } finally {
      await other.remove()
    }
  })

  it('with a catalog of another store is refused', async () => {
    const { kept } = await filled()
    const other = makeBench()
    try {
      const gateway = await startGateway({}, { dir: other.path })
      await fill(gateway, 'other')
      await gateway.close()
      cpSync(catalog(), join(bench.path, 'mine.sqlite'))
      loseCatalog()
      cpSync(join(other.path, 'catalog.sqlite'), catalog())
      expect(await refusal()).toMatch(/catalog belongs to the store [0-9a-f]{32}, and .* is the store [0-9a-f]{32}/)
      loseCatalog()
      cpSync(join(bench.path, 'mine.sqlite'), catalog())
      expect(await served(kept)).toBe(kept.length)
    } finally {
      await other.remove()
    }
  })

  it('is converted to format 2 and back with all its objects', async () => {
    const { kept, deleted } = await filled()
    expect(await postern('store', 'convert', '--to', '2')).toMatchObject({ exitCode: 0, ok: true, format: 2 })
    const db = new Database(index(), { readonly: true })
    expect(db.pragma('user_version', { simple: true })).toBe(2)
    expect(db.prepare("SELECT name FROM pragma_table_info('objects') WHERE name = 'note'").all()).toEqual([])
    db.close()
    expect(readdirSync(join(folder(), 'objects/log'))).toEqual([])
    expect(await served(kept, [deleted])).toBe(kept.length)
    // The server writes its log again in the background.
    await untilLogged()
    const before = dumpIndex(index())
    loseIndex()
    expect(await postern('rebuild-index')).toMatchObject({ exitCode: 0 })
    expect(dumpIndex(index())).toEqual(before)
    expect(await served(kept, [deleted])).toBe(kept.length)
    // And so are the notes of the files.
    loseCatalog()
    expect(await postern('rebuild-catalog')).toMatchObject({ exitCode: 0, restored: 4, unnoted: 0 })
    expect(await served(kept, [deleted])).toBe(kept.length)
  })

  it('is private in format 2 if its configuration restricts it, or if that format does not support its ACL', async () => {
    const gateway = await start()
    const { driver } = gateway.gateway
    const ref = { bucket: 'alice-1', key: 'open' }
    await driver.createBucket('alice-1', { owner: 'alice', acl: 'public-read' })
    await driver.createBucket('alice-2', { owner: 'alice', acl: 'public-read' })
    await driver.createBucket('alice-3', { owner: 'alice', acl: 'authenticated-read' })
    const grants = [{ to: { group: 'all-users' as const }, permission: 'READ' as const }]
    await driver.createBucket('alice-4', { owner: 'alice', acl: { owner: 'alice', grants } })
    await driver.putObject(ref, Readable.from(['x']), { contentLength: 1, acl: 'public-read' })
    await driver.configureBucket('alice-1', { ownership: 'BucketOwnerEnforced' })
    await gateway.close()
    await postern('store', 'convert', '--to', '2')
    const db = new Database(index(), { readonly: true })
    const acls = db.prepare("SELECT name, acl FROM buckets WHERE name LIKE 'alice-%'").all()
    const objects = db.prepare("SELECT acl FROM objects WHERE bucket = 'alice-1'").all()
    db.close()
    expect(acls).toEqual([
      { name: 'alice-1', acl: 'private' },
      { name: 'alice-2', acl: 'public-read' },
      { name: 'alice-3', acl: 'private' },
      { name: 'alice-4', acl: 'private' },
    ])
    expect(objects).toEqual([{ acl: 'private' }])
  })

  it('of an older version with an index that lost its rows is not adopted', async () => {
    await filled()
    await postern('store', 'convert', '--to', '2')
    const db = new Database(index())
    db.exec('DELETE FROM objects; DELETE FROM blobs')
    db.close()
    expect(await refusal()).toMatch(/blobs are not in the object index/)
  })
})

it('refuses to rebuild next to a server, without a log, and from an incomplete log', async () => {
  const gateway = await start()
  await fill(gateway, 'first')
  const beside = await postern('rebuild-index')
  expect(beside).toMatchObject({ exitCode: 1, ok: false })
  expect(beside['error']).toContain('Stop it, then')
  await gateway.close()
  const log = join(folder(), 'objects/log')
  cpSync(log, join(bench.path, 'log'), { recursive: true })
  rmSync(log, { recursive: true })
  expect((await postern('rebuild-index'))['error']).toContain('There is no log')
  expect(existsSync(index())).toBe(true)
})
