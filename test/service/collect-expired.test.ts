import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { StorageError } from '../../src/errors.ts'
import { beginMultipart } from '../../src/service/multipart/begin-multipart.ts'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import { createHarness, exists, text, type Harness } from './harness.ts'
import { createStores } from '../../src/service/stores/stores.ts'

const day = 86_400
const nothing = { confirmed: 0, expired: 0, cleared: 0, aborted: 0, failed: 0 }
const idle = { bytes: 0, files: 0, reservedBytes: 0, reservedFiles: 0 }

let harness: Harness
beforeEach(async () => {
  harness = await createHarness()
})
afterEach(() => harness.close())

const collect = (o?: Parameters<typeof collectExpired>[1]) => collectExpired(harness.deps, o)
const usage = () => harness.deps.catalog.usage('alice')

describe('an unconfirmed upload', () => {
  it('is deleted with its object when it expires, and not before', async () => {
    const { id, ref } = await harness.begin()
    await harness.put(ref)
    harness.pass(599 + day)
    expect(await collect()).toEqual(nothing)
    expect(await exists(harness.deps.stores.current, ref)).toBe(true)
    harness.pass(1)
    expect(await collect()).toEqual({ ...nothing, expired: 1, cleared: 1 })
    expect(await harness.find(id)).toBeNull()
    expect(await harness.stored()).toEqual([])
    expect(await usage()).toEqual(idle)
    expect(await collect()).toEqual(nothing)
  })

  it('is deleted although nothing was sent', async () => {
    const { id } = await harness.begin()
    harness.pass(600 + day)
    expect(await collect()).toEqual({ ...nothing, expired: 1, cleared: 1 })
    expect(await harness.find(id)).toBeNull()
    expect(await usage()).toEqual(idle)
  })

  it('stays while its bytes are still arriving', async () => {
    const { id, ref } = await harness.begin()
    const body = new Readable({ read() {} })
    const writing = harness.deps.stores.current.putObject(ref, body, { contentType: 'text/plain' })
    body.push('the first half, ')
    await vi.waitFor(() => expect(harness.deps.stores.current.isBeingWritten(ref)).toBe(true))
    harness.pass(10 * day)
    expect(await collect()).toEqual(nothing)
    body.push('and the second')
    body.push(null)
    await writing
    expect((await harness.find(id))?.file.status).toBe('pending')
    expect(await collect()).toMatchObject({ expired: 1, cleared: 1 })
    expect(await harness.stored()).toEqual([])
  })

  it('stays if it is renewed during the pass', async () => {
    const { id } = await harness.begin()
    harness.pass(600 + day)
    const { catalog } = harness.deps
    const later = new Date(harness.deps.now().getTime() + 1000 * day)
    const overdueUploads: typeof catalog.overdueUploads = async (...args) => {
      const found = await catalog.overdueUploads(...args)
      await catalog.renewUpload(id, { urlExpiresAt: later, confirmBy: later, writeOnce: true })
      return found
    }
    expect(await collectExpired({ ...harness.deps, catalog: { ...catalog, overdueUploads } })).toEqual(nothing)
    expect((await harness.find(id))?.file.status).toBe('pending')
  })

  it('is found on every page, however many there are', async () => {
    for (let i = 0; i < 7; i++) await harness.put((await harness.begin()).ref)
    harness.pass(600 + day)
    expect(await collect({ limit: 2 })).toEqual({ ...nothing, expired: 7, cleared: 7 })
    expect(await harness.stored()).toEqual([])
  })

  it('is collected once by two concurrent passes', async () => {
    for (let i = 0; i < 12; i++) await harness.put((await harness.begin()).ref)
    harness.pass(600 + day)
    const [one, other] = await Promise.all([collect(), collect()])
    expect(one.expired + other.expired).toBe(12)
    expect([one.failed, other.failed]).toEqual([0, 0])
    expect(await harness.stored()).toEqual([])
    expect(await usage()).toEqual(idle)
  })
})

describe('a multipart upload', () => {
  async function begun() {
    const fields = { filename: 'notes.txt', mimeType: 'text/plain', size: 20 * 2 ** 20, expiresIn: 600 }
    const { file, multipart } = await beginMultipart(harness.deps, 'alice', fields)
    const { uploadId } = multipart
    const upload = { id: file.id, ref: file.object }
    const sendPart = (number: number) =>
      harness.deps.stores.current.uploadPart(
        upload.ref,
        uploadId,
        number,
        Readable.from([Buffer.alloc(5 * 2 ** 20, 'a')]),
      )
    return { ...upload, uploadId, sendPart }
  }

  it('that is abandoned is deleted with its parts', async () => {
    const { id, ref, uploadId, sendPart } = await begun()
    await sendPart(1)
    expect(await harness.stored()).toEqual([ref.key])
    harness.pass(600 + day)
    expect(await collect()).toMatchObject({ expired: 1, cleared: 1 })
    expect(await harness.stored()).toEqual([])
    expect(await harness.find(id)).toBeNull()
    await expect(harness.deps.stores.current.listParts(ref, uploadId)).rejects.toMatchObject({ code: 'NoSuchUpload' })
  })

  it('whose parts still arrive stays until a day after the newest', async () => {
    const { id, sendPart } = await begun()
    harness.pass(day)
    await sendPart(1)
    harness.pass(700)
    expect(await collect()).toEqual(nothing)
    const newest = harness.deps.now().getTime() - 700_000
    expect((await harness.find(id))?.grant?.confirmBy).toEqual(new Date(newest + day * 1000))
    harness.pass(day - 700)
    expect(await collect()).toMatchObject({ expired: 1, cleared: 1 })
    expect(await harness.stored()).toEqual([])
  })

  it('that the store no longer has is expired all the same', async () => {
    const { ref, uploadId } = await begun()
    await harness.deps.stores.current.abortMultipartUpload(ref, uploadId)
    harness.pass(600 + day)
    expect(await collect()).toEqual({ ...nothing, expired: 1, cleared: 1 })
  })
})

describe('an auto-confirmed upload', () => {
  it('is confirmed as soon as its object exists', async () => {
    const { id, ref } = await harness.begin({ autoConfirm: true })
    expect(await collect()).toEqual(nothing)
    await harness.put(ref)
    expect(await collect()).toEqual({ ...nothing, confirmed: 1 })
    expect((await harness.find(id))?.file).toMatchObject({ status: 'confirmed', size: text.length })
    expect(await usage()).toEqual({ ...idle, bytes: text.length, files: 1 })
    expect(await collect()).toEqual(nothing)
  })

  it('is confirmed even if the first check is after its expiry', async () => {
    const { id, ref } = await harness.begin({ autoConfirm: true })
    await harness.put(ref)
    harness.pass(600 + day)
    expect(await collect()).toMatchObject({ confirmed: 1, expired: 0 })
    expect((await harness.find(id))?.file.status).toBe('confirmed')
    expect(await exists(harness.deps.stores.current, ref)).toBe(true)
  })

  it('expires if nothing was sent', async () => {
    const { id } = await harness.begin({ autoConfirm: true })
    harness.pass(600 + day)
    expect(await collect()).toEqual({ ...nothing, expired: 1, cleared: 1 })
    expect(await harness.find(id)).toBeNull()
  })

  it('is deleted if its bytes do not match the grant', async () => {
    const { ref } = await harness.begin({ autoConfirm: true })
    await harness.put(ref, 'another length')
    expect(await collect()).toEqual({ ...nothing, expired: 1 })
    expect(await harness.stored()).toEqual([])
    expect(await usage()).toEqual(idle)
  })

  it('stays if the store is unreachable', async () => {
    const { id, ref } = await harness.begin({ autoConfirm: true })
    await harness.put(ref)
    harness.pass(600 + day)
    const headObject = vi.fn<() => never>(() => {
      throw new StorageError('Unavailable')
    })
    const down = { ...harness.deps, stores: createStores({ ...harness.deps.stores.current, headObject }) }
    expect(await collectExpired(down)).toMatchObject({ expired: 0, cleared: 0 })
    expect((await harness.find(id))?.file.status).toBe('pending')
    expect(await collect()).toMatchObject({ confirmed: 1 })
  })
})

describe('the pass', () => {
  it('does not try every upload while the store is down', async () => {
    for (let i = 0; i < 40; i++) await harness.begin()
    harness.pass(600 + day)
    const headObject = vi.fn<() => Promise<never>>(() => Promise.reject(new StorageError('Unavailable')))
    const collected = await collectExpired(
      { ...harness.deps, stores: createStores({ ...harness.deps.stores.current, headObject }) },
      { limit: 10 },
    )
    expect(collected).toMatchObject({ expired: 40, cleared: 0 })
    expect(headObject.mock.calls.length).toBeLessThan(20)
    expect(await collect()).toEqual({ ...nothing, cleared: 40 })
  })

  it('stops between two uploads when aborted', async () => {
    for (let i = 0; i < 20; i++) await harness.begin()
    harness.pass(600 + day)
    const stopping = new AbortController()
    const { catalog } = harness.deps
    const expireUpload: typeof catalog.expireUpload = async (...args) => {
      stopping.abort()
      return catalog.expireUpload(...args)
    }
    const deps = { ...harness.deps, catalog: { ...catalog, expireUpload } }
    const { expired } = await collectExpired(deps, { signal: stopping.signal })
    expect(expired).toBeLessThan(20)
    expect(await collect()).toMatchObject({ expired: 20 - expired, cleared: 20 })
  })

  it('leaves objects of another store alone', async () => {
    const { id, ref } = await harness.begin()
    await harness.put(ref)
    harness.pass(600 + day)
    const deps = { ...harness.deps, stores: createStores({ ...harness.deps.stores.current, name: 's3' }) }
    expect(await collectExpired(deps)).toEqual({ ...nothing, expired: 1 })
    expect((await harness.find(id))?.file.status).toBe('expired')
    expect(await collect()).toEqual({ ...nothing, cleared: 1 })
    expect(await harness.stored()).toEqual([])
  })
})
