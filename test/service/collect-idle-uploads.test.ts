/** Abandoned multipart uploads of access keys. The collector aborts them if `storage.abortMultipartAfter` is set. */
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ObjectRef } from '../../src/drivers/driver.ts'
import { beginMultipart } from '../../src/service/multipart/begin-multipart.ts'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import { countDue } from '../../src/service/maintenance/count-due.ts'
import type { ServiceDeps } from '../../src/service/deps.ts'
import { createStores } from '../../src/service/stores/stores.ts'
import { bodyOf, codeOf } from '../conformance/driver/suite-tools.ts'
import { createHarness, type Harness } from './harness.ts'

const hour = 3600
const nothing = { confirmed: 0, expired: 0, cleared: 0, aborted: 0, failed: 0 }
const ref = (key: string): ObjectRef => ({ bucket: 'alice-1', key })

let harness: Harness
let deps: ServiceDeps
beforeEach(async () => {
  harness = await createHarness()
  const { config } = harness.deps
  deps = { ...harness.deps, config: { ...config, storage: { ...config.storage, abortMultipartAfter: 24 * hour } } }
  await harness.deps.stores.current.createBucket('alice-1', { owner: 'alice' })
})
afterEach(() => harness.close())

const begin = async (key: string) => (await harness.deps.stores.current.createMultipartUpload(ref(key))).uploadId
const send = (key: string, uploadId: string, number = 1) =>
  harness.deps.stores.current.uploadPart(ref(key), uploadId, number, bodyOf('part'))
const open = async () =>
  (await harness.deps.stores.current.listMultipartUploads({ bucket: 'alice-1' })).uploads.map(({ key }) => key)

it('aborts uploads without a part for the configured time, and frees their bytes', async () => {
  const parts = await begin('parts')
  await begin('no part')
  await send('parts', parts)
  harness.pass(20 * hour)
  await begin('younger')
  harness.pass(4 * hour + 1)
  expect(await countDue(deps)).toMatchObject({ idle: 2 })
  expect(await open()).toEqual(['no part', 'parts', 'younger'])
  expect(await collectExpired(deps)).toEqual({ ...nothing, aborted: 2 })
  expect(await open()).toEqual(['younger'])
  expect(await codeOf(send('parts', parts))).toBe('NoSuchUpload')
  const usage = (await harness.deps.stores.current.usageOfOwners!()).find(({ owner }) => owner === 'alice')
  expect(usage).toMatchObject({ uploads: 1, partBytes: 0 })
  expect(await collectExpired(deps)).toEqual(nothing)
})

it('counts from the last part, also from a repeated one', async () => {
  const again = await begin('again')
  const first = await send('again', again)
  for (let i = 0; i < 3; i++) {
    harness.pass(20 * hour)
    await send('again', again)
    expect(await collectExpired(deps)).toEqual(nothing)
  }
  const parts = [{ partNumber: 1, etag: first.etag }]
  await harness.deps.stores.current.completeMultipartUpload(ref('again'), again, parts)
  harness.pass(48 * hour)
  expect(await collectExpired(deps)).toEqual(nothing)
  expect(await harness.deps.stores.current.headObject(ref('again'))).toMatchObject({ contentLength: 4 })
})

it('leaves an upload with a part in flight', async () => {
  const slow = await begin('slow')
  const body = new PassThrough()
  const sending = harness.deps.stores.current.uploadPart(ref('slow'), slow, 1, body)
  body.write('the first bytes')
  await expect.poll(() => harness.deps.stores.current.isBeingWritten(ref('slow'))).toBe(true)
  harness.pass(25 * hour)
  expect(await collectExpired(deps)).toEqual(nothing)
  body.end()
  await sending
  expect(await collectExpired(deps)).toEqual(nothing)
  harness.pass(24 * hour + 1)
  expect(await collectExpired(deps)).toEqual({ ...nothing, aborted: 1 })
})

it('does nothing unless configured, and nothing to uploads of the JSON API', async () => {
  await begin('left')
  const { file } = await beginMultipart(deps, 'alice', {
    filename: 'video.mp4',
    mimeType: 'video/mp4',
    size: 9_000_000,
    expiresIn: 7 * 24 * hour,
  })
  await harness.deps.stores.current.createMultipartUpload({ bucket: 'postern', key: 'uploads/of the gateway itself' })
  harness.pass(25 * hour)
  expect(await collectExpired(harness.deps)).toEqual(nothing)
  expect(await countDue(harness.deps)).toMatchObject({ idle: 0 })
  expect(await collectExpired(deps)).toEqual({ ...nothing, aborted: 1 })
  expect(await harness.stored()).toEqual([file.key, 'uploads/of the gateway itself'].toSorted())
})

it('continues after a store error, and through several pages', async () => {
  const down = () => Promise.reject(new Error('the index is gone'))
  const broken = { ...deps, stores: createStores({ ...deps.stores.current, abortIdleUploads: down }) }
  expect(await collectExpired(broken)).toEqual({ ...nothing, failed: 1 })
  expect(harness.logged.join('')).toContain('could not abort idle multipart uploads')
  for (let i = 0; i < 250; i++) await begin(`upload-${i}`)
  harness.pass(24 * hour + 1)
  const passes = await Promise.all([collectExpired(deps), collectExpired(deps)])
  expect(passes.reduce((sum, { aborted }) => sum + aborted, 0)).toBe(250)
  expect(await open()).toEqual([])
})
