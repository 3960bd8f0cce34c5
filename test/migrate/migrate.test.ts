/** `postern migrate` both ways, with a bucket at a second gateway, beside a server that is in use. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { pino } from 'pino'
import { call, downloadText, store, textFile, upload } from '../api/caller.ts'
import { hashAt, keysIn, MigrateRig, ownBucket, type Sent } from './rig.ts'

let rig: MigrateRig
beforeEach(async () => {
  rig = await MigrateRig.create(await ownBucket())
})
afterEach(() => rig.close())

const MiB = 2 ** 20
const sendSome = async (): Promise<Sent[]> => [await rig.send(0), await rig.send(700), await rig.send(21 * MiB + 5)]

const record = async (id: string) => (await rig.running.gateway.catalog.findUpload('alice', { id }))!.file

it('moves every file there and back, and URLs, links and public URLs handed out before go on', async () => {
  await rig.start('disk')
  const files = await sendSome()
  const open = await rig.send(300, { visibility: 'public' })
  const { json: link } = await (await rig.alice()).post(`/files/${files[1]!.file.id}/links`, { maxUses: 9 })
  const urls = await Promise.all(files.map(({ file }) => rig.url(file.id)))

  await rig.start('s3')
  await rig.expectReadable([...files, open])
  const there = await rig.migrate('s3')
  expect(there).toMatchObject({
    exitCode: 0,
    ok: true,
    moved: { files: 4, failed: [] },
    left: { files: 0, pending: 0 },
  })
  expect((await record(files[2]!.file.id)).store).toBe('s3')
  expect((await record(files[2]!.file.id)).object.etag).toMatch(/-5$/)
  for (const { file } of files) expect(new URL(await rig.url(file.id)).origin).toBe(rig.store.s3['endpoint'])
  const expectAll = async (): Promise<void> => {
    await rig.expectReadable([...files, open])
    for (const [i, { sha256 }] of files.entries()) expect(await hashAt(urls[i]!)).toBe(sha256)
    expect(await hashAt(link.url)).toBe(files[1]!.sha256)
    expect(await hashAt(open.file.publicUrl!)).toBe(open.sha256)
    expect(await hashAt(`${rig.running.apiUrl}/public/${open.file.key}`)).toBe(open.sha256)
  }
  await expectAll()
  expect(await rig.migrate('s3')).toMatchObject({ exitCode: 0, moved: { files: 0 } })

  await rig.start('disk')
  await expectAll()
  expect(await rig.migrate('disk')).toMatchObject({ exitCode: 0, moved: { files: 4, failed: [] }, left: { files: 0 } })
  expect((await record(files[2]!.file.id)).store).toBe('disk')
  await expectAll()
})

it('goes on beside uploads that are confirmed and files that are deleted, and keeps the counts right', async () => {
  await rig.start('disk')
  const alice = await rig.alice()
  const files: Sent[] = []
  for (let i = 0; i < 12; i++) files.push(await rig.send(40_000))
  const begun = await upload(alice, 'begun on the disk', {})
  const parts = await alice.post('/files/multipart', { ...textFile, size: 5 })
  expect(parts.status).toBe(200)

  await rig.start('s3')
  const dropped = files.splice(0, 4)
  const running = rig.begin('s3', '--rate', '100KB', '--concurrency', '2')
  const fresh: string[] = []
  for (const { file } of dropped) {
    fresh.push((await store(alice, `sent meanwhile ${file.id}`)).id)
    expect((await alice.delete(`/files/${file.id}`)).status).toBe(204)
    await rig.expectReadable(files.slice(0, 2))
  }
  expect((await alice.post('/files/confirm', { id: begun.id })).status).toBe(201)
  expect((await running.finished).exitCode).toBe(0)
  expect(await rig.migrate('s3')).toMatchObject({ exitCode: 0, left: { files: 0, pending: 1 } })

  await rig.expectReadable(files)
  expect(await downloadText(alice, begun.id)).toBe('begun on the disk')
  for (const [i, id] of fresh.entries())
    expect(await downloadText(alice, id)).toBe(`sent meanwhile ${dropped[i]!.file.id}`)
  for (const { file } of dropped) expect((await alice.get(`/files/${file.id}`)).status).toBe(404)
  const { catalog } = rig.running.gateway
  expect(await catalog.usageDifferences()).toEqual([])
  // Of the deleted files nothing is left in either store, and in the bucket there is nothing but files.
  const known = (await catalog.filesIn('s3', { limit: 100 })).map(({ file }) => file.object.key)
  expect(await keysIn(rig.store)).toEqual(known.toSorted())
})

it('removes what it left in the old store once its time has come, or the file is deleted', async () => {
  await rig.start('disk')
  const [kept, dropped] = [await rig.send(100), await rig.send(100)]
  const [keptUrl, droppedUrl] = [await rig.url(kept.file.id), await rig.url(dropped.file.id)]
  await rig.start('s3')
  expect(await rig.migrate('s3')).toMatchObject({ exitCode: 0, left: { unneeded: 2 } })
  expect((await (await rig.alice()).delete(`/files/${dropped.file.id}`)).status).toBe(204)
  expect(await hashAt(droppedUrl)).toMatch(/^404/)
  expect(await hashAt(keptUrl)).toBe(kept.sha256)

  await rig.start('disk')
  expect(await rig.migrate('disk', '--grace', '1s')).toMatchObject({ exitCode: 0, moved: { files: 1 } })
  const listed = (): Promise<string[]> => keysIn(rig.store)
  expect(await listed()).toHaveLength(1)
  // A server that runs does it by itself; without one there is the command.
  await rig.stop()
  const command = ['gc', '--json', ...rig.args('disk').slice(4)]
  await expect.poll(async () => (await rig.bench.run(command)) && (await listed()), { timeout: 20_000 }).toEqual([])
  await rig.start('disk')
  await rig.expectReadable([kept])
})

it('says at the start what lies elsewhere, and answers 503 for it where that store is not configured', async () => {
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) })
  await rig.start('disk')
  const { file } = await rig.send(100)
  await rig.start('s3', {}, log)
  expect(lines.join()).toContain('They are served from there. To move them, run postern migrate --to s3')
  expect((await rig.migrate('s3')).exitCode).toBe(0)
  lines.length = 0

  const none = { provider: 'auto', region: null, endpoint: null, accessKeyId: null, secretAccessKey: null }
  await rig.start('disk', { storage: { driver: 'disk', bucket: rig.store.bucket, s3: none } }, log)
  expect(lines.join()).toContain('Write storage: { s3: { endpoint:')
  const alice = await rig.alice()
  const refused = await alice.get(`/files/${file.id}/download-url`)
  expect(refused).toMatchObject({ status: 503, json: { title: 'The store of this file is not configured' } })
  expect((await call(`${rig.running.apiUrl}/readyz`)).status).toBe(200)
  expect((await alice.get('/files')).json.files).toHaveLength(1)
  await store(alice, 'goes to the disk')
})
