/** Failures and races between the steps of a multipart upload. The store is the disk driver with injected faults. */
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { StorageError } from '../../src/errors.ts'
import { abortMultipart } from '../../src/service/multipart/abort-multipart.ts'
import { beginMultipart } from '../../src/service/multipart/begin-multipart.ts'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import { completeMultipart } from '../../src/service/multipart/complete-multipart.ts'
import { deleteFile } from '../../src/service/files/delete-file.ts'
import type { ServiceDeps } from '../../src/service/deps.ts'
import { issueParts } from '../../src/service/multipart/issue-parts.ts'
import { listUploadParts } from '../../src/service/multipart/list-upload-parts.ts'
import { createHarness, text, type Harness } from './harness.ts'
import { createStores } from '../../src/service/stores/stores.ts'

const day = 86_400
const idle = { bytes: 0, files: 0, reservedBytes: 0, reservedFiles: 0 }
const owner = 'alice'
const down = () => Promise.reject(new StorageError('Unavailable'))
const isCode = (code: string) => expect.objectContaining({ code })

let harness: Harness
beforeEach(async () => {
  harness = await createHarness()
})
afterEach(() => harness.close())

const usage = () => harness.deps.catalog.usage(owner)
const collect = (deps: ServiceDeps = harness.deps) => collectExpired(deps)

/** The harness's own, changed as given. */
const depsWith = (o: { driver?: Partial<StorageDriver>; catalog?: Partial<Catalog> }): ServiceDeps => ({
  ...harness.deps,
  stores: createStores({ ...harness.deps.stores.current, ...o.driver }),
  catalog: { ...harness.deps.catalog, ...o.catalog },
})

const begin = (deps: ServiceDeps = harness.deps, fields: object = {}) =>
  beginMultipart(deps, owner, { filename: 'notes.txt', mimeType: 'text/plain', expiresIn: 600, ...fields })

/** Begun, and its one part sent. */
async function sent(fields: object = {}) {
  const { file, multipart } = await begin(harness.deps, fields)
  const { id, object: ref } = file
  await harness.deps.stores.current.uploadPart(ref, multipart.uploadId, 1, Readable.from([Buffer.from(text)]))
  return { id, ref, ...multipart }
}

async function expectNothing() {
  expect(await harness.stored()).toEqual([])
  expect(await usage()).toEqual(idle)
}

describe('beginning', () => {
  it('frees the reservation if the store fails', async () => {
    const deps = depsWith({ driver: { createMultipartUpload: down } })
    await expect(begin(deps, { size: 10 })).rejects.toEqual(isCode('Unavailable'))
    await expectNothing()
  })

  it('aborts an upload in the store that the catalog cannot record', async () => {
    await expect(begin(depsWith({ catalog: { setMultipart: down } }))).rejects.toEqual(isCode('Unavailable'))
    await expectNothing()
  })

  it('leaves an upload that cannot be undone to the collector', async () => {
    const deps = depsWith({
      driver: { abortMultipartUpload: down, listMultipartUploads: down },
      catalog: { setMultipart: down },
    })
    await expect(begin(deps)).rejects.toEqual(isCode('Unavailable'))
    expect(await harness.stored()).toHaveLength(1)
    expect(await usage()).toEqual(idle)
    harness.pass(600)
    expect(await collect()).toMatchObject({ cleared: 1 })
    await expectNothing()
  })

  it('does not call the store if the quota is used up', async () => {
    const deps = depsWith({ driver: { createMultipartUpload: () => Promise.reject(new Error('was asked')) } })
    const config = { ...deps.config, quotas: { ...deps.config.quotas, userBytes: 5 } }
    await expect(begin({ ...deps, config }, { size: 6 })).rejects.toEqual(isCode('QuotaExceeded'))
  })
})

describe('completing', () => {
  it('is finished by the next call, wherever the previous one stopped', async () => {
    const lost: Partial<StorageDriver> = {
      completeMultipartUpload: async (...args) => {
        await harness.deps.stores.current.completeMultipartUpload(...args)
        throw new StorageError('Unavailable')
      },
    }
    for (const deps of [depsWith({ driver: lost }), depsWith({ catalog: { confirmUpload: down } })]) {
      const { id } = await sent()
      await expect(completeMultipart(deps, owner, { id })).rejects.toEqual(isCode('Unavailable'))
      expect((await harness.find(id))?.file.status).toBe('pending')
      expect(await completeMultipart(harness.deps, owner, { id })).toMatchObject({
        created: true,
        file: { size: text.length },
      })
      expect(await completeMultipart(harness.deps, owner, { id })).toMatchObject({ created: false })
    }
  })

  it.each<[string, typeof abortMultipart]>([
    ['aborted', abortMultipart],
    ['deleted', deleteFile],
  ])('leaves nothing of an upload that is %s in between', async (_, end) => {
    const { catalog } = harness.deps
    const driver = harness.deps.stores.current
    const before: Partial<StorageDriver> = {
      async completeMultipartUpload(...args) {
        await end(harness.deps, owner, id)
        return driver.completeMultipartUpload(...args)
      },
    }
    // As if the store were late: it joins what it was told to forget.
    const late: Partial<StorageDriver> = {
      async completeMultipartUpload(ref, ...args) {
        const written = await driver.completeMultipartUpload(ref, ...args)
        await end(harness.deps, owner, id)
        await harness.put(ref)
        return written
      },
    }
    const confirming: Partial<Catalog> = {
      async confirmUpload(...args) {
        await end(harness.deps, owner, id)
        await harness.put(ref)
        return catalog.confirmUpload(...args)
      },
    }
    let { id, ref } = await sent()
    for (const [deps, code] of [
      [depsWith({ driver: before }), 'NoSuchUpload'],
      [depsWith({ driver: late }), 'NotFound'],
      [depsWith({ catalog: confirming }), 'NotFound'],
    ] as const) {
      await expect(completeMultipart(deps, owner, { id })).rejects.toEqual(isCode(code))
      await expectNothing()
      ;({ id, ref } = await sent())
    }
  })

  it('is not interrupted by the collector, however long it takes', async () => {
    const { id } = await sent()
    const driver = harness.deps.stores.current
    harness.pass(600 + day - 1)
    const slow: Partial<StorageDriver> = {
      async completeMultipartUpload(...args) {
        const written = await driver.completeMultipartUpload(...args)
        harness.pass(day / 2)
        expect(await collect()).toMatchObject({ expired: 0 })
        return written
      },
    }
    expect(await completeMultipart(depsWith({ driver: slow }), owner, { id })).toMatchObject({ created: true })
  })

  it('by two calls, one of which exceeds the grant, creates the file of the other', async () => {
    const { id, ref, uploadId } = await sent({ size: text.length })
    const { catalog } = harness.deps
    const driver = harness.deps.stores.current
    const racing: Partial<Catalog> = {
      async expireUpload(...args) {
        const [first] = (await driver.listParts(ref, uploadId)).parts
        await completeMultipart(harness.deps, owner, { id, parts: [first!] })
        return catalog.expireUpload(...args)
      },
    }
    await driver.uploadPart(ref, uploadId, 2, Readable.from([Buffer.from('more')]))
    const settled = await completeMultipart(depsWith({ catalog: racing }), owner, { id })
    expect(settled).toMatchObject({ created: false, file: { size: text.length } })
  })
})

describe('aborting', () => {
  it('frees the quota at once, and deletes the parts when the store can', async () => {
    const { id } = await sent({ size: text.length })
    await abortMultipart(depsWith({ driver: { abortMultipartUpload: down } }), owner, id)
    expect(await usage()).toEqual(idle)
    expect(await harness.stored()).toHaveLength(1)
    harness.pass(600)
    expect(await collect()).toMatchObject({ cleared: 1, failed: 0 })
    await expectNothing()
  })

  it('loses against a confirm, and reports it', async () => {
    const { id } = await sent()
    const { catalog } = harness.deps
    const racing: Partial<Catalog> = {
      async expireUpload(...args) {
        await completeMultipart(harness.deps, owner, { id })
        return catalog.expireUpload(...args)
      },
    }
    await expect(abortMultipart(depsWith({ catalog: racing }), owner, id)).rejects.toEqual(
      isCode('ConditionalConflict'),
    )
    expect((await harness.find(id))?.file.status).toBe('confirmed')
  })
})

describe('a store', () => {
  it('that does not list uploads still aborts a known one', async () => {
    const { id } = await sent()
    const mute = depsWith({
      driver: { listMultipartUploads: () => Promise.reject(new StorageError('AccessDenied')) },
    })
    harness.pass(600 + 2 * day)
    expect(await collect(mute)).toMatchObject({ expired: 1, cleared: 1, failed: 0 })
    await expectNothing()
    expect(await harness.find(id)).toBeNull()
  })

  it('that lost the upload reports it, and the upload can be aborted', async () => {
    const { id, ref, uploadId } = await sent()
    await harness.deps.stores.current.abortMultipartUpload(ref, uploadId)
    await expect(listUploadParts(harness.deps, owner, id)).rejects.toEqual(isCode('NoSuchUpload'))
    await expect(completeMultipart(harness.deps, owner, { id })).rejects.toEqual(isCode('NoSuchUpload'))
    await abortMultipart(harness.deps, owner, id)
    await expectNothing()
  })

  it('that is no longer configured is not called', async () => {
    const { id } = await sent()
    const other = depsWith({ driver: { name: 's3' } })
    for (const attempt of [
      issueParts(other, owner, { id, partNumbers: [1] }),
      listUploadParts(other, owner, id),
      completeMultipart(other, owner, { id }),
      abortMultipart(other, owner, id),
    ]) {
      await expect(attempt).rejects.toEqual(isCode('NotFound'))
    }
    expect((await harness.find(id))?.file.status).toBe('pending')
  })
})
