import { afterEach, beforeEach, expect, it } from 'vitest'
import { collectOrphans, type OrphanOptions } from '../../src/service/maintenance/collect-orphans.ts'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import { countDue } from '../../src/service/maintenance/count-due.ts'
import { beginMultipart } from '../../src/service/multipart/begin-multipart.ts'
import { confirmUpload } from '../../src/service/uploads/confirm-upload.ts'
import { copyingDriver, createHarness, exists, text, type Harness } from './harness.ts'
import { createStores } from '../../src/service/stores/stores.ts'

const day = 86_400

let harness: Harness
beforeEach(async () => {
  harness = await createHarness()
})
afterEach(() => harness.close())

const bucket = 'postern'
const ref = (key: string) => ({ bucket, key })
const collect = (o: Partial<OrphanOptions> = {}) =>
  collectOrphans({
    ...harness.deps,
    store: harness.deps.stores.current,
    bucket,
    remove: true,
    grace: day,
    signal: new AbortController().signal,
    ...o,
  })
const none = { objects: 0, bytes: 0, uploads: 0, young: 0, removed: 0 }

it("deletes objects without a record below the gateway's prefixes, and nothing else", async () => {
  const { ref: known } = await harness.begin()
  await harness.put(known)
  for (const key of ['uploads/lost.txt', 'public/lost.txt', 'files/lost.txt', 'theirs/kept.txt', 'uploads.txt']) {
    await harness.put(ref(key))
  }
  await harness.deps.stores.current.createMultipartUpload(ref('uploads/lost.bin'), {})
  harness.pass(day + 1)
  const reported: string[] = []
  expect(await collect({ onOrphan: ({ key }) => reported.push(key) })).toEqual({
    objects: 3,
    bytes: 3 * text.length,
    uploads: 1,
    young: 0,
    removed: 4,
  })
  expect(reported.toSorted()).toEqual(['files/lost.txt', 'public/lost.txt', 'uploads/lost.bin', 'uploads/lost.txt'])
  expect((await harness.stored()).toSorted()).toEqual(['theirs/kept.txt', 'uploads.txt', known.key].toSorted())
  expect(await collect()).toEqual(none)
})

it('keeps objects that are younger than the grace period, and everything in a dry run', async () => {
  await harness.begin()
  await harness.put(ref('uploads/old.txt'))
  harness.pass(day)
  await harness.put(ref('uploads/new.txt'))
  await harness.deps.stores.current.createMultipartUpload(ref('uploads/new.bin'), {})
  expect(await collect({ remove: false })).toEqual({ ...none, objects: 1, bytes: text.length, young: 2 })
  expect(await harness.stored()).toHaveLength(3)
  expect(await collect()).toEqual({ ...none, objects: 1, bytes: text.length, young: 2, removed: 1 })
  expect((await harness.stored()).toSorted()).toEqual(['uploads/new.bin', 'uploads/new.txt'])
})

it('keeps sealed objects of confirmed files, and running multipart uploads', async () => {
  const deps = { ...harness.deps, stores: createStores(copyingDriver(harness.deps.stores.current)) }
  const { id, ref: issued } = await harness.begin()
  await harness.put(issued)
  const { file } = await confirmUpload(deps, 'alice', { by: { id } })
  expect(file.object.key).toMatch(/^files\//)
  await beginMultipart(harness.deps, 'alice', { filename: 'a.bin', mimeType: 'text/plain', size: 20_000_000 })
  harness.pass(3 * day)
  expect(await collect()).toMatchObject({ uploads: 0 })
  expect(await exists(harness.deps.stores.current, file.object)).toBe(true)
})

it('refuses to empty a bucket for an empty catalog', async () => {
  await harness.put(ref('uploads/a.txt'))
  harness.pass(2 * day)
  await expect(collect()).rejects.toMatchObject({
    code: 'InvalidRequest',
    message: expect.stringMatching(/database\.url/),
  })
  expect(await collect({ remove: false })).toMatchObject({ objects: 1, removed: 0 })
  expect(await harness.stored()).toEqual(['uploads/a.txt'])
})

it('keeps a key that gets its record during the listing', async () => {
  await harness.begin()
  await harness.put(ref('uploads/a.txt'))
  harness.pass(2 * day)
  const known = (await harness.begin()).id
  const upload = await harness.find(known)
  const catalog = { ...harness.deps.catalog, findUploadByKey: () => Promise.resolve(upload) }
  expect(await collect({ catalog })).toEqual(none)
  expect(await harness.stored()).toEqual(['uploads/a.txt'])
})

it('counts objects that wait for the collector', async () => {
  for (let i = 0; i < 3; i++) await harness.begin()
  const { id } = await harness.begin()
  await harness.deps.catalog.deleteFile('alice', id, harness.deps.now())
  expect(await countDue(harness.deps)).toEqual({ overdue: 0, toClear: 0, idle: 0 })
  harness.pass(601)
  expect(await countDue(harness.deps)).toEqual({ overdue: 0, toClear: 1, idle: 0 })
  harness.pass(day)
  expect(await countDue(harness.deps)).toEqual({ overdue: 3, toClear: 1, idle: 0 })
  await collectExpired(harness.deps)
  expect(await countDue(harness.deps)).toEqual({ overdue: 0, toClear: 0, idle: 0 })
})
