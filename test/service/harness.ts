/** The services with a real disk driver and a real catalog, and a clock that the test sets. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { parse } from 'yaml'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { configSchema } from '../../src/config/schema.ts'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import type { ObjectRef, StorageDriver } from '../../src/drivers/driver.ts'
import { isStorageError } from '../../src/errors.ts'
import { beginUpload, type BeginUpload } from '../../src/service/uploads/begin-upload.ts'
import type { ServiceDeps } from '../../src/service/deps.ts'
import { createStores } from '../../src/service/stores/stores.ts'

const defaults = readFileSync(join(import.meta.dirname, '../../config/default.yaml'), 'utf8')
export const text = 'plain words, nothing else'

export type Harness = Awaited<ReturnType<typeof createHarness>>

export async function createHarness() {
  const folder = await mkdtemp(join(tmpdir(), 'postern-service-'))
  const config = configSchema.parse(parse(defaults))
  let time = Date.UTC(2026, 0, 15, 12)
  const now = () => new Date(time)
  const driver = await createDiskDriver({
    path: folder,
    bucket: config.storage.bucket,
    fsync: 'none',
    minFree: 0,
    publicUrl: () => 'http://127.0.0.1:1',
    region: 'us-east-1',
    credentials: { accessKeyId: 'POSTERNTEST', secretAccessKey: 'a-secret-for-tests-only-0123456789' },
    now,
  })
  const catalog = await createCatalog({ url: 'sqlite::memory:' })
  await catalog.migrate()
  const logged: string[] = []
  const log = pino({ level: 'warn' }, { write: (line) => void logged.push(line) })
  const deps: ServiceDeps = {
    stores: createStores(driver),
    catalog,
    config,
    now,
    log,
    urls: { api: () => 'http://127.0.0.1:1' },
  }

  const put = (ref: ObjectRef, body = text, contentType = 'text/plain') =>
    driver.putObject(ref, Readable.from([Buffer.from(body)]), { contentType })

  return {
    deps,
    logged,
    put,
    /** Seconds. */
    pass: (seconds: number) => {
      time += seconds * 1000
    },
    /** An upload of `text` by alice: its URL is good for 600 s, and it is to be confirmed within a day of that. */
    async begin(input: Partial<BeginUpload> = {}) {
      const { file } = await beginUpload(deps, 'alice', {
        filename: 'notes.txt',
        mimeType: 'text/plain',
        size: text.length,
        expiresIn: 600,
        ...input,
      })
      return { id: file.id, ref: file.object }
    },
    /** All that the store holds: keys, and the keys of multipart uploads. */
    async stored() {
      const { bucket } = config.storage
      const { objects } = await driver.listObjects({ bucket })
      const { uploads } = await driver.listMultipartUploads({ bucket })
      return [...objects, ...uploads].map(({ key }) => key)
    },
    find: (id: string) => catalog.findUpload('alice', { id }),
    async close() {
      await catalog.close()
      await driver.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The same store in the manner of a bucket that keeps no versions: a seal copies the object to another key. */
export const copyingDriver = (driver: StorageDriver): StorageDriver => ({
  ...driver,
  async sealObject(ref, o) {
    const to = { bucket: ref.bucket, key: o.to }
    const { etag } = await driver.copyObject(ref, to, { sourceConditions: { ifMatch: o.etag } })
    return { ref: to, etag }
  },
})

export async function exists(driver: StorageDriver, ref: ObjectRef): Promise<boolean> {
  try {
    await driver.headObject(ref)
    return true
  } catch (error) {
    if (isStorageError(error, 'NotFound')) return false
    throw error
  }
}
