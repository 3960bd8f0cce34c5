import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { StorageError } from '../../src/errors.ts'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import { confirmUpload } from '../../src/service/uploads/confirm-upload.ts'
import { deleteFile } from '../../src/service/files/delete-file.ts'
import { copyingDriver, createRig, exists, text, type Rig } from './rig.ts'
import { createStores } from '../../src/service/stores/stores.ts'

const day = 86_400
const nothing = { confirmed: 0, expired: 0, cleared: 0, aborted: 0, failed: 0 }

let rig: Rig
beforeEach(async () => {
  rig = await createRig()
})
afterEach(() => rig.close())

const collect = () => collectExpired(rig.deps)
const confirm = (id: string) => confirmUpload(rig.deps, 'alice', { by: { id } })

describe('a confirmed file', () => {
  it('keeps its bytes when its grant is forgotten', async () => {
    const { id, ref } = await rig.begin()
    await rig.put(ref)
    await confirm(id)
    rig.pass(599)
    expect(await collect()).toEqual(nothing)
    rig.pass(1)
    expect(await collect()).toEqual({ ...nothing, cleared: 1 })
    expect(await rig.find(id)).toMatchObject({ file: { status: 'confirmed' }, grant: null })
    expect(await exists(rig.deps.stores.current, ref)).toBe(true)
  })

  it('that was copied aside is rid of what was sent to its upload URL later', async () => {
    rig.deps.stores = createStores(copyingDriver(rig.deps.stores.current))
    const { id, ref } = await rig.begin()
    await rig.put(ref)
    const { file } = await confirm(id)
    await rig.put(ref, 'sent afterwards')
    rig.pass(600)
    expect(await collect()).toMatchObject({ cleared: 1 })
    expect(await rig.stored()).toEqual([file.object.key])
  })

  it('that is public has its own bytes again where its public URL points', async () => {
    rig.deps.stores = createStores(copyingDriver(rig.deps.stores.current))
    const { id, ref } = await rig.begin({ visibility: 'public' })
    await rig.put(ref)
    const { file } = await confirm(id)
    await rig.put(ref, 'sent afterwards')
    rig.pass(600)
    expect(await collect()).toMatchObject({ cleared: 1 })
    expect((await rig.stored()).toSorted()).toEqual([ref.key, file.object.key].toSorted())
    const { etag } = await rig.deps.stores.current.headObject(ref)
    expect(etag).toBe(file.object.etag)
    rig.pass(day)
    await deleteFile(rig.deps, 'alice', id)
    await collect()
    expect(await rig.stored()).toEqual([])
  })

  it('with a pinned version loses the versions above it, and nothing else', async () => {
    const { id, ref } = await rig.begin()
    await rig.put(ref)
    const versions = ['v1', 'v2', 'v3']
    const driver = rig.deps.stores.current
    const headObject: typeof driver.headObject = async (...args) => ({
      ...(await driver.headObject(...args)),
      versionId: versions.at(-1)!,
    })
    const deleteObject = vi.fn<typeof driver.deleteObject>(async (_, o) => {
      versions.splice(versions.indexOf(o?.versionId ?? ''), 1)
      return {}
    })
    await rig.deps.catalog.confirmUpload(id, {
      object: { ...ref, versionId: 'v1' },
      mimeType: 'text/plain',
      size: text.length,
      checksum: null,
      quota: rig.deps.config.quotas,
      now: rig.deps.now(),
    })
    rig.pass(600)
    await collectExpired({ ...rig.deps, stores: createStores({ ...driver, headObject, deleteObject }) })
    expect(versions).toEqual(['v1'])
  })
})

describe('a deleted file', () => {
  it('leaves nothing behind, though its upload URL was used once more', async () => {
    const { id, ref } = await rig.begin()
    await rig.put(ref)
    await confirm(id)
    await deleteFile(rig.deps, 'alice', id)
    await rig.put(ref, 'sent afterwards')
    expect(await collect()).toEqual(nothing)
    rig.pass(600)
    expect(await collect()).toEqual({ ...nothing, cleared: 1 })
    expect(await rig.stored()).toEqual([])
    expect(await rig.find(id)).toBeNull()
  })

  it('is tried again in the next pass when the store refuses', async () => {
    const { id, ref } = await rig.begin()
    await rig.put(ref)
    await confirm(id)
    rig.pass(700)
    await collect()
    const driver = rig.deps.stores.current
    const refusing = { ...driver, deleteObject: () => Promise.reject(new StorageError('AccessDenied')) }
    const deps = { ...rig.deps, stores: createStores(refusing) }
    await deleteFile(deps, 'alice', id)
    expect(await collectExpired(deps)).toEqual({ ...nothing, failed: 1 })
    expect(rig.logged.join('')).toContain('tried again in the next pass')
    expect(await exists(driver, ref)).toBe(true)
    expect(await collect()).toEqual({ ...nothing, cleared: 1 })
    expect(await rig.stored()).toEqual([])
  })
})
