import { afterEach, beforeEach, expect, it } from 'vitest'
import { collectOrphans, type OrphanOptions } from '../../src/service/maintenance/collect-orphans.ts'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import { countDue } from '../../src/service/maintenance/count-due.ts'
import { beginMultipart } from '../../src/service/multipart/begin-multipart.ts'
import { confirmUpload } from '../../src/service/uploads/confirm-upload.ts'
import { copyingDriver, createRig, exists, text, type Rig } from './rig.ts'
import { createStores } from '../../src/service/stores/stores.ts'

const day = 86_400

let rig: Rig
beforeEach(async () => {
  rig = await createRig()
})
afterEach(() => rig.close())

const bucket = 'postern'
const ref = (key: string) => ({ bucket, key })
const collect = (o: Partial<OrphanOptions> = {}) =>
  collectOrphans({
    ...rig.deps,
    store: rig.deps.stores.current,
    bucket,
    remove: true,
    grace: day,
    signal: new AbortController().signal,
    ...o,
  })
const none = { objects: 0, bytes: 0, uploads: 0, young: 0, removed: 0 }

it('removes what no record knows below our prefixes, and nothing else', async () => {
  const { ref: known } = await rig.begin()
  await rig.put(known)
  for (const key of ['uploads/lost.txt', 'public/lost.txt', 'files/lost.txt', 'theirs/kept.txt', 'uploads.txt']) {
    await rig.put(ref(key))
  }
  await rig.deps.stores.current.createMultipartUpload(ref('uploads/lost.bin'), {})
  rig.pass(day + 1)
  const heard: string[] = []
  expect(await collect({ tell: ({ key }) => heard.push(key) })).toEqual({
    objects: 3,
    bytes: 3 * text.length,
    uploads: 1,
    young: 0,
    removed: 4,
  })
  expect(heard.toSorted()).toEqual(['files/lost.txt', 'public/lost.txt', 'uploads/lost.bin', 'uploads/lost.txt'])
  expect((await rig.stored()).toSorted()).toEqual(['theirs/kept.txt', 'uploads.txt', known.key].toSorted())
  expect(await collect()).toEqual(none)
})

it('leaves alone what is younger than the grace, and everything when it is not to remove', async () => {
  await rig.begin()
  await rig.put(ref('uploads/old.txt'))
  rig.pass(day)
  await rig.put(ref('uploads/new.txt'))
  await rig.deps.stores.current.createMultipartUpload(ref('uploads/new.bin'), {})
  expect(await collect({ remove: false })).toEqual({ ...none, objects: 1, bytes: text.length, young: 2 })
  expect(await rig.stored()).toHaveLength(3)
  expect(await collect()).toEqual({ ...none, objects: 1, bytes: text.length, young: 2, removed: 1 })
  expect((await rig.stored()).toSorted()).toEqual(['uploads/new.bin', 'uploads/new.txt'])
})

it('knows the object of a confirmed file by its sealed key too, and running multipart uploads', async () => {
  const deps = { ...rig.deps, stores: createStores(copyingDriver(rig.deps.stores.current)) }
  const { id, ref: issued } = await rig.begin()
  await rig.put(issued)
  const { file } = await confirmUpload(deps, 'alice', { by: { id } })
  expect(file.object.key).toMatch(/^files\//)
  await beginMultipart(rig.deps, 'alice', { filename: 'a.bin', mimeType: 'text/plain', size: 20_000_000 })
  rig.pass(3 * day)
  expect(await collect()).toMatchObject({ uploads: 0 })
  expect(await exists(rig.deps.stores.current, file.object)).toBe(true)
})

it('refuses to empty a bucket by a catalog that knows nothing', async () => {
  await rig.put(ref('uploads/a.txt'))
  rig.pass(2 * day)
  await expect(collect()).rejects.toMatchObject({
    code: 'InvalidRequest',
    message: expect.stringMatching(/database\.url/),
  })
  expect(await collect({ remove: false })).toMatchObject({ objects: 1, removed: 0 })
  expect(await rig.stored()).toEqual(['uploads/a.txt'])
})

it('does not touch a key that gets its record while the list is gone through', async () => {
  await rig.begin()
  await rig.put(ref('uploads/a.txt'))
  rig.pass(2 * day)
  const known = (await rig.begin()).id
  const upload = await rig.find(known)
  const catalog = { ...rig.deps.catalog, findUploadByKey: () => Promise.resolve(upload) }
  expect(await collect({ catalog })).toEqual(none)
  expect(await rig.stored()).toEqual(['uploads/a.txt'])
})

it('counts what waits for the collector', async () => {
  for (let i = 0; i < 3; i++) await rig.begin()
  const { id } = await rig.begin()
  await rig.deps.catalog.deleteFile('alice', id, rig.deps.now())
  expect(await countDue(rig.deps)).toEqual({ overdue: 0, toClear: 0, idle: 0 })
  rig.pass(601)
  expect(await countDue(rig.deps)).toEqual({ overdue: 0, toClear: 1, idle: 0 })
  rig.pass(day)
  expect(await countDue(rig.deps)).toEqual({ overdue: 3, toClear: 1, idle: 0 })
  await collectExpired(rig.deps)
  expect(await countDue(rig.deps)).toEqual({ overdue: 0, toClear: 0, idle: 0 })
})
