/** `postern migrate` both ways, with a bucket of a second gateway, next to a server in use. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { pino } from 'pino'
import { call, downloadText, store, textFile, upload } from '../api/caller.ts'
import { hashAt, keysIn, MigrationHarness, ownBucket, type Sent } from './harness.ts'

let harness: MigrationHarness
beforeEach(async () => {
  harness = await MigrationHarness.create(await ownBucket())
})
afterEach(() => harness.close())

const MiB = 2 ** 20
const sendSome = async (): Promise<Sent[]> => [
  await harness.send(0),
  await harness.send(700),
  await harness.send(21 * MiB + 5),
]

const record = async (id: string) => (await harness.running.gateway.catalog.findUpload('alice', { id }))!.file

it('moves every file there and back, and earlier URLs, links and public URLs keep working', async () => {
  await harness.start('disk')
  const files = await sendSome()
  const open = await harness.send(300, { visibility: 'public' })
  const { json: link } = await (await harness.alice()).post(`/files/${files[1]!.file.id}/links`, { maxUses: 9 })
  const urls = await Promise.all(files.map(({ file }) => harness.url(file.id)))

  await harness.start('s3')
  await harness.expectReadable([...files, open])
  const there = await harness.migrate('s3')
  expect(there).toMatchObject({
    exitCode: 0,
    ok: true,
    moved: { files: 4, failed: [] },
    left: { files: 0, pending: 0 },
  })
  expect((await record(files[2]!.file.id)).store).toBe('s3')
  expect((await record(files[2]!.file.id)).object.etag).toMatch(/-5$/)
  for (const { file } of files) expect(new URL(await harness.url(file.id)).origin).toBe(harness.store.s3['endpoint'])
  const expectAll = async (): Promise<void> => {
    await harness.expectReadable([...files, open])
    for (const [i, { sha256 }] of files.entries()) expect(await hashAt(urls[i]!)).toBe(sha256)
    expect(await hashAt(link.url)).toBe(files[1]!.sha256)
    expect(await hashAt(open.file.publicUrl!)).toBe(open.sha256)
    expect(await hashAt(`${harness.running.apiUrl}/public/${open.file.key}`)).toBe(open.sha256)
  }
  await expectAll()
  expect(await harness.migrate('s3')).toMatchObject({ exitCode: 0, moved: { files: 0 } })

  await harness.start('disk')
  await expectAll()
  expect(await harness.migrate('disk')).toMatchObject({
    exitCode: 0,
    moved: { files: 4, failed: [] },
    left: { files: 0 },
  })
  expect((await record(files[2]!.file.id)).store).toBe('disk')
  await expectAll()
})

it('runs next to confirmations and deletions, and keeps the counts correct', async () => {
  await harness.start('disk')
  const alice = await harness.alice()
  const files: Sent[] = []
  for (let i = 0; i < 12; i++) files.push(await harness.send(40_000))
  const begun = await upload(alice, 'begun on the disk', {})
  const parts = await alice.post('/files/multipart', { ...textFile, size: 5 })
  expect(parts.status).toBe(200)

  await harness.start('s3')
  const dropped = files.splice(0, 4)
  const running = harness.begin('s3', '--rate', '100KB', '--concurrency', '2')
  const fresh: string[] = []
  for (const { file } of dropped) {
    fresh.push((await store(alice, `sent meanwhile ${file.id}`)).id)
    expect((await alice.delete(`/files/${file.id}`)).status).toBe(204)
    await harness.expectReadable(files.slice(0, 2))
  }
  expect((await alice.post('/files/confirm', { id: begun.id })).status).toBe(201)
  expect((await running.finished).exitCode).toBe(0)
  expect(await harness.migrate('s3')).toMatchObject({ exitCode: 0, left: { files: 0, pending: 1 } })

  await harness.expectReadable(files)
  expect(await downloadText(alice, begun.id)).toBe('begun on the disk')
  for (const [i, id] of fresh.entries())
    expect(await downloadText(alice, id)).toBe(`sent meanwhile ${dropped[i]!.file.id}`)
  for (const { file } of dropped) expect((await alice.get(`/files/${file.id}`)).status).toBe(404)
  const { catalog } = harness.running.gateway
  expect(await catalog.usageDifferences()).toEqual([])
  // Of the deleted files nothing is left in either store, and in the bucket there is nothing but files.
  const known = (await catalog.filesIn('s3', { limit: 100 })).map(({ file }) => file.object.key)
  expect(await keysIn(harness.store)).toEqual(known.toSorted())
})

it('deletes old copies once they expire, or when the file is deleted', async () => {
  await harness.start('disk')
  const [kept, dropped] = [await harness.send(100), await harness.send(100)]
  const [keptUrl, droppedUrl] = [await harness.url(kept.file.id), await harness.url(dropped.file.id)]
  await harness.start('s3')
  expect(await harness.migrate('s3')).toMatchObject({ exitCode: 0, left: { unneeded: 2 } })
  expect((await (await harness.alice()).delete(`/files/${dropped.file.id}`)).status).toBe(204)
  expect(await hashAt(droppedUrl)).toMatch(/^404/)
  expect(await hashAt(keptUrl)).toBe(kept.sha256)

  await harness.start('disk')
  expect(await harness.migrate('disk', '--grace', '1s')).toMatchObject({ exitCode: 0, moved: { files: 1 } })
  const listed = (): Promise<string[]> => keysIn(harness.store)
  expect(await listed()).toHaveLength(1)
  // A server that runs does it by itself; without one there is the command.
  await harness.stop()
  const command = ['gc', '--json', ...harness.args('disk').slice(4)]
  await expect.poll(async () => (await harness.bench.run(command)) && (await listed()), { timeout: 20_000 }).toEqual([])
  await harness.start('disk')
  await harness.expectReadable([kept])
})

it('reports files in other stores at startup, and returns 503 for them if that store is not configured', async () => {
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) })
  await harness.start('disk')
  const { file } = await harness.send(100)
  await harness.start('s3', {}, log)
  expect(lines.join()).toContain('They are served from there. To move them, run postern migrate --to s3')
  expect((await harness.migrate('s3')).exitCode).toBe(0)
  lines.length = 0

  const none = { provider: 'auto', region: null, endpoint: null, accessKeyId: null, secretAccessKey: null }
  await harness.start('disk', { storage: { driver: 'disk', bucket: harness.store.bucket, s3: none } }, log)
  expect(lines.join()).toContain('Write storage: { s3: { endpoint:')
  const alice = await harness.alice()
  const refused = await alice.get(`/files/${file.id}/download-url`)
  expect(refused).toMatchObject({ status: 503, json: { title: 'The store of this file is not configured' } })
  expect((await call(`${harness.running.apiUrl}/readyz`)).status).toBe(200)
  expect((await alice.get('/files')).json.files).toHaveLength(1)
  await store(alice, 'goes to the disk')
})
