import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { StorageError } from '../../src/errors.ts'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import { confirmUpload } from '../../src/service/uploads/confirm-upload.ts'
import { deleteFile } from '../../src/service/files/delete-file.ts'
import { copyingDriver, createHarness, exists, text, type Harness } from './harness.ts'
import { createStores } from '../../src/service/stores/stores.ts'

const day = 86_400
const nothing = { confirmed: 0, expired: 0, cleared: 0, aborted: 0, failed: 0 }

let harness: Harness
beforeEach(async () => {
  harness = await createHarness()
})
afterEach(() => harness.close())

const collect = () => collectExpired(harness.deps)
const confirm = (id: string) => confirmUpload(harness.deps, 'alice', { by: { id } })

describe('a confirmed file', () => {
  it('keeps its bytes when its grant is deleted', async () => {
    const { id, ref } = await harness.begin()
    await harness.put(ref)
    await confirm(id)
    harness.pass(599)
    expect(await collect()).toEqual(nothing)
    harness.pass(1)
    expect(await collect()).toEqual({ ...nothing, cleared: 1 })
    expect(await harness.find(id)).toMatchObject({ file: { status: 'confirmed' }, grant: null })
    expect(await exists(harness.deps.stores.current, ref)).toBe(true)
  })

  it('that was sealed by a copy loses later writes to its upload URL', async () => {
    harness.deps.stores = createStores(copyingDriver(harness.deps.stores.current))
    const { id, ref } = await harness.begin()
    await harness.put(ref)
    const { file } = await confirm(id)
    await harness.put(ref, 'sent afterwards')
    harness.pass(600)
    expect(await collect()).toMatchObject({ cleared: 1 })
    expect(await harness.stored()).toEqual([file.object.key])
  })

  it('that is public gets its verified bytes back at its public URL', async () => {
    harness.deps.stores = createStores(copyingDriver(harness.deps.stores.current))
    const { id, ref } = await harness.begin({ visibility: 'public' })
    await harness.put(ref)
    const { file } = await confirm(id)
    await harness.put(ref, 'sent afterwards')
    harness.pass(600)
    expect(await collect()).toMatchObject({ cleared: 1 })
    expect((await harness.stored()).toSorted()).toEqual([ref.key, file.object.key].toSorted())
    const { etag } = await harness.deps.stores.current.headObject(ref)
    expect(etag).toBe(file.object.etag)
    harness.pass(day)
    await deleteFile(harness.deps, 'alice', id)
    await collect()
    expect(await harness.stored()).toEqual([])
  })

  it('with a pinned version loses the versions above it, and nothing else', async () => {
    const { id, ref } = await harness.begin()
    await harness.put(ref)
    const versions = ['v1', 'v2', 'v3']
    const driver = harness.deps.stores.current
    const headObject: typeof driver.headObject = async (...args) => ({
      ...(await driver.headObject(...args)),
      versionId: versions.at(-1)!,
    })
    const deleteObject = vi.fn<typeof driver.deleteObject>(async (_, o) => {
      versions.splice(versions.indexOf(o?.versionId ?? ''), 1)
      return {}
    })
    await harness.deps.catalog.confirmUpload(id, {
      object: { ...ref, versionId: 'v1' },
      mimeType: 'text/plain',
      size: text.length,
      checksum: null,
      quota: harness.deps.config.quotas,
      now: harness.deps.now(),
    })
    harness.pass(600)
    await collectExpired({ ...harness.deps, stores: createStores({ ...driver, headObject, deleteObject }) })
    expect(versions).toEqual(['v1'])
  })
})

describe('a deleted file', () => {
  it('leaves nothing, although its upload URL was used again', async () => {
    const { id, ref } = await harness.begin()
    await harness.put(ref)
    await confirm(id)
    await deleteFile(harness.deps, 'alice', id)
    await harness.put(ref, 'sent afterwards')
    expect(await collect()).toEqual(nothing)
    harness.pass(600)
    expect(await collect()).toEqual({ ...nothing, cleared: 1 })
    expect(await harness.stored()).toEqual([])
    expect(await harness.find(id)).toBeNull()
  })

  it('retries in the next pass if the store refuses to delete', async () => {
    const { id, ref } = await harness.begin()
    await harness.put(ref)
    await confirm(id)
    harness.pass(700)
    await collect()
    const driver = harness.deps.stores.current
    const refusing = { ...driver, deleteObject: () => Promise.reject(new StorageError('AccessDenied')) }
    const deps = { ...harness.deps, stores: createStores(refusing) }
    await deleteFile(deps, 'alice', id)
    expect(await collectExpired(deps)).toEqual({ ...nothing, failed: 1 })
    expect(harness.logged.join('')).toContain('the next pass retries')
    expect(await exists(driver, ref)).toBe(true)
    expect(await collect()).toEqual({ ...nothing, cleared: 1 })
    expect(await harness.stored()).toEqual([])
  })
})
