/**
 * Failures and races between verifying an object and recording it. The store is the disk driver with injected faults.
 */
import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { StorageError } from '../../src/errors.ts'
import { beginUpload, type BeginUpload } from '../../src/service/uploads/begin-upload.ts'
import { confirmUpload } from '../../src/service/uploads/confirm-upload.ts'
import { deleteFile } from '../../src/service/files/delete-file.ts'
import type { ServiceDeps } from '../../src/service/deps.ts'
import { settleWrittenObject } from '../../src/service/uploads/settle-auto-confirm.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { createStores } from '../../src/service/stores/stores.ts'

let running: RunningGateway
beforeAll(async () => {
  running = await startGateway()
})
afterAll(() => running?.close())

function depsWith(change: (driver: StorageDriver) => Partial<StorageDriver> = () => ({})): ServiceDeps {
  const { driver, catalog, config } = running.gateway
  const log = pino({ level: 'silent' })
  return {
    stores: createStores({ ...driver, ...change(driver) }),
    catalog,
    config,
    now: () => new Date(),
    log,
    urls: { api: () => running.apiUrl },
  }
}

/** As a bucket without versions seals: by a copy. */
const byCopy = (driver: StorageDriver): Partial<StorageDriver> => ({
  async sealObject(ref, o) {
    const target = { ...ref, key: o.to }
    const { etag } = await driver.copyObject(ref, target, { sourceConditions: { ifMatch: `"${o.etag}"` } })
    return { ref: target, etag }
  },
})

const owner = 'alice'
async function begin(deps: ServiceDeps, fields: Partial<BeginUpload> = {}) {
  const { file } = await beginUpload(deps, owner, { filename: 'a.txt', mimeType: 'text/plain', ...fields })
  return { by: { id: file.id }, ref: { bucket: deps.config.storage.bucket, key: file.key } }
}
const write = (ref: { bucket: string; key: string }, text: string) =>
  running.gateway.driver.putObject(ref, Readable.from([Buffer.from(text)]), {
    contentLength: text.length,
    contentType: 'text/plain',
  })
const read = async (ref: { bucket: string; key: string }) =>
  Buffer.concat(await (await running.gateway.driver.getObject(ref)).stream().toArray()).toString()
async function keys() {
  const { objects } = await running.gateway.driver.listObjects({ bucket: running.gateway.config.storage.bucket })
  return objects.map(({ key }) => key)
}
const isCode = (code: string) => expect.objectContaining({ code })
const changed = () => Promise.reject(new StorageError('PreconditionFailed'))

test('an object that is replaced between verify and seal is verified again', async () => {
  let replaced = false
  const deps = depsWith((driver) => ({
    async sealObject(ref, o) {
      if (!replaced) await write(ref, 'the second')
      replaced = true
      return driver.sealObject(ref, o)
    },
  }))
  const { by, ref } = await begin(deps)
  await write(ref, 'first')
  const { file, created } = await confirmUpload(deps, owner, { by })
  expect([created, file.size, await read(file.object)]).toEqual([true, 10, 'the second'])
})

test('an object that is replaced by a different one is refused', async () => {
  const deps = depsWith((driver) => ({
    async sealObject(ref, o) {
      await write(ref, 'five!')
      return driver.sealObject(ref, o)
    },
  }))
  const { by, ref } = await begin(deps, { size: 4 })
  await write(ref, 'four')
  await expect(confirmUpload(deps, owner, { by })).rejects.toEqual(isCode('UploadMismatch'))
  expect(await keys()).not.toContain(ref.key)
})

test('an object that keeps changing is a conflict, and stays pending', async () => {
  let tries = 0
  const deps = depsWith(() => ({ sealObject: () => ((tries += 1), changed()) }))
  const { by, ref } = await begin(deps)
  await write(ref, 'text')
  await expect(confirmUpload(deps, owner, { by })).rejects.toEqual(isCode('ConditionalConflict'))
  expect(tries).toBe(5)
  expect((await confirmUpload(depsWith(), owner, { by })).created).toBe(true)
})

test('a sealed copy becomes the file, and the source is deleted', async () => {
  const deps = depsWith(byCopy)
  const { by, ref } = await begin(deps)
  await write(ref, 'text')
  const { file } = await confirmUpload(deps, owner, { by })
  expect(file.object.key).toMatch(/^files\//)
  expect(file.key).toBe(ref.key)
  expect(await keys()).toContain(file.object.key)
  expect(await keys()).not.toContain(ref.key)
  await write(ref, 'OTHER')
  expect(await read(file.object)).toBe('text')
  await deleteFile(deps, owner, file.id)
  expect(await keys()).not.toContain(file.object.key)
  expect(await keys()).not.toContain(ref.key)
})

test('two concurrent confirms leave one copy', async () => {
  const deps = depsWith(byCopy)
  const { by, ref } = await begin(deps)
  await write(ref, 'text')
  const before = (await keys()).length
  const settled = await Promise.all([1, 2, 3, 4].map(() => confirmUpload(deps, owner, { by })))
  expect(settled.filter(({ created }) => created)).toHaveLength(1)
  expect(new Set(settled.map(({ file }) => file.object.key)).size).toBe(1)
  expect(await keys()).toContain(settled[0]?.file.object.key)
  expect((await keys()).length).toBe(before)
})

test('the copy of an upload that has expired in the meantime is deleted', async () => {
  const deps = depsWith((driver) => ({
    async sealObject(ref, o) {
      const sealed = await byCopy(driver).sealObject!(ref, o)
      await running.gateway.catalog.expireUpload(by.id, new Date())
      return sealed
    },
  }))
  const before = await keys()
  const { by, ref } = await begin(deps)
  await write(ref, 'text')
  await expect(confirmUpload(deps, owner, { by })).rejects.toEqual(isCode('NotFound'))
  expect((await keys()).filter((key) => key !== ref.key)).toEqual(before)
})

test('a copy stays if the catalog may have recorded it, because its response was lost', async () => {
  const deps = depsWith(byCopy)
  const { by, ref } = await begin(deps)
  await write(ref, 'text')
  const catalog: typeof deps.catalog = {
    ...deps.catalog,
    async confirmUpload(...args) {
      await deps.catalog.confirmUpload(...args)
      throw new StorageError('Unavailable', { message: 'the connection was lost' })
    },
  }
  await expect(confirmUpload({ ...deps, catalog }, owner, { by })).rejects.toEqual(isCode('Unavailable'))
  const { file, created } = await confirmUpload(deps, owner, { by })
  expect([created, await read(file.object)]).toEqual([false, 'text'])
})

test('a store that fails fails the confirm, which can be repeated', async () => {
  const { by, ref } = await begin(depsWith())
  await write(ref, 'text')
  const down = depsWith(() => ({ sealObject: () => Promise.reject(new StorageError('Unavailable')) }))
  await expect(confirmUpload(down, owner, { by })).rejects.toEqual(isCode('Unavailable'))
  expect((await confirmUpload(depsWith(), owner, { by })).created).toBe(true)
})

test('a mismatch frees the quota even if the object cannot be deleted', async () => {
  const deps = depsWith(() => ({ deleteObject: () => Promise.reject(new StorageError('Unavailable')) }))
  const { by, ref } = await begin(deps, { mimeType: 'image/png' })
  await running.gateway.driver.putObject(ref, Readable.from([Buffer.from('<html>')]), {
    contentLength: 6,
    contentType: 'image/png',
  })
  const before = await running.gateway.catalog.usage(owner)
  await expect(confirmUpload(deps, owner, { by })).rejects.toEqual(isCode('UploadMismatch'))
  expect((await running.gateway.catalog.usage(owner)).reservedFiles).toBe(before.reservedFiles - 1)
})

test('a write to a deleted file is deleted', async () => {
  const deps = depsWith()
  const { by, ref } = await begin(deps, { visibility: 'public' })
  await deleteFile(deps, owner, by.id)
  await write(ref, 'late')
  await settleWrittenObject(deps, ref)
  expect(await keys()).not.toContain(ref.key)
})

test('a checksum that the store does not have is computed from the bytes', async () => {
  const deps = depsWith((driver) => ({
    capabilities: new Set([...driver.capabilities].filter((name) => name !== 'signed-checksum')),
    async headObject(ref, o) {
      const { checksum: _, ...head } = await driver.headObject(ref, o)
      return head
    },
  }))
  for (const algorithm of ['sha256', 'sha1', 'crc32'] as const) {
    const right = await begin(deps)
    await write(right.ref, 'text')
    const wrong = await begin(deps, { checksum: { algorithm, value: digest(algorithm, 'text') } })
    await write(wrong.ref, 'other text')
    await expect(confirmUpload(deps, owner, { by: wrong.by })).rejects.toEqual(isCode('UploadMismatch'))
    const claimed = { algorithm, value: digest(algorithm, 'text') }
    expect((await confirmUpload(deps, owner, { by: right.by, checksum: claimed })).file.checksum).toEqual(claimed)
  }
  const crc64 = { algorithm: 'crc64nvme', value: 'AAAAAAAAAAA=' } as const
  await expect(begin(deps, { checksum: crc64 })).rejects.toEqual(isCode('NotSupported'))
})

function digest(algorithm: 'sha256' | 'sha1' | 'crc32', text: string): string {
  if (algorithm !== 'crc32') return hash(algorithm, text, 'base64')
  return Buffer.from(crc32(text).toString(16).padStart(8, '0'), 'hex').toString('base64')
}
