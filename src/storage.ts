/** Which driver a configuration means. */
import { join } from 'node:path'
import { isThere } from './cannot-open.ts'
import type { Catalog } from './catalog/catalog.ts'
import { ConfigError } from './config/config-error.ts'
import type { LoadedConfig } from './config/load-config.ts'
import { ownerLimits } from './config/owner-limits.ts'
import type { Config } from './config/config.ts'
import type { Secrets } from './config/secrets.ts'
import { createDiskDriver, type DiskDriverOptions } from './drivers/disk/disk-driver.ts'
import type { StorageDriver } from './drivers/driver.ts'
import { alone, type Peers } from './drivers/peers.ts'
import type { Logger } from './log.ts'
import { objectsBaseUrl } from './http/public-urls.ts'
import type { SigningCredentials } from './sigv4/types.ts'

export type StorageOptions = {
  secrets: Secrets
  log: Logger
  now?: () => Date
  /** Processes that share the disk of this one. Default: there is none. */
  peers?: Peers
  /** Whose files are in the store: both must belong together. Without one nothing is compared. */
  catalog?: StoreRecords
}

/** The storage driver of a configuration, alone. `objectsUrl` is where the disk driver's URLs point. */
export async function createStorage(
  config: Config,
  o: StorageOptions & {
    objectsUrl?: () => string
    signing?: () => SigningCredentials
    sweepOnStart?: DiskDriverOptions['sweepOnStart']
    mayDelete?: DiskDriverOptions['mayDelete']
  },
): Promise<StorageDriver> {
  const { storage, objects, downloads } = config
  const now = o.now ?? (() => new Date())
  const endpoint = {
    publicUrl: o.objectsUrl ?? (() => objectsBaseUrl(config, null)),
    region: objects.region,
    credentials: o.signing ?? o.secrets.signing,
    now,
  }
  if (storage.driver === 'disk') {
    const { bucket, disk } = storage
    const expected = o.catalog && (await expectedOf(o.catalog).catch(unreadable(o.log)))
    const driver = await createDiskDriver({
      ...disk,
      ownerLimits: ownerLimits(config),
      groupReads: objects.sendfile !== 'off',
      ...endpoint,
      bucket,
      sweepOnStart: o.sweepOnStart ?? false,
      ...(o.mayDelete && { mayDelete: o.mayDelete }),
      peers: o.peers ?? alone,
      log: o.log,
      ...(expected && { expected }),
    })
    if (o.catalog && expected) await recordStore(o.catalog, driver)
    return driver
  }
  const [{ createS3Driver }, { createProxiedDriver }] = await Promise.all([
    import('./drivers/s3/s3-driver.ts'),
    import('./drivers/proxied/proxied-driver.ts'),
  ])
  const { publicBaseUrl } = downloads
  const store = await createS3Driver({ ...storage.s3, bucket: storage.bucket, publicBaseUrl, now, log: o.log })
  return storage.delivery === 'proxied' ? createProxiedDriver(store, { ...endpoint, peers: o.peers ?? alone }) : store
}

type StoreRecords = Pick<Catalog, 'storeId' | 'recordStore' | 'countIn' | 'filesIn'>

async function expectedOf(catalog: StoreRecords): Promise<NonNullable<DiskDriverOptions['expected']>> {
  const [storeId, { files, pending, unneeded }] = await Promise.all([catalog.storeId('disk'), catalog.countIn('disk')])
  return {
    storeId,
    files: files + pending + unneeded,
    async *objects() {
      for (let after: string | undefined; ;) {
        const page = await catalog.filesIn('disk', { limit: 500, ...(after !== undefined && { after }) })
        if (page.length === 0) return
        yield page.map(({ file }) => file.object)
        after = page.at(-1)!.file.id
      }
    },
  }
}

/** A damaged catalog is reported and stops no start: what it says is then not compared with the store. */
const unreadable =
  (log: Logger) =>
  (err: unknown): undefined =>
    void log.error({ err }, 'the catalog cannot be read: it is not compared with the store at this start')

async function recordStore(catalog: StoreRecords, driver: StorageDriver): Promise<void> {
  const id = driver.storeId
  if (id !== undefined && (await catalog.storeId('disk')) !== id) await catalog.recordStore('disk', id)
}

/** How the configuration was read. */
type Loaded = Pick<LoadedConfig, 'withDriver'>

/** The same configuration with the other driver, and what it takes to open it. */
export function otherStore(
  config: Config,
  loaded: Loaded | null,
): { config: Config; name: 'disk' | 's3'; isThere: boolean } {
  const name = config.storage.driver === 'disk' ? 's3' : 'disk'
  const { storage } = name === 's3' && loaded ? asLoaded(loaded, config) : config
  const { region, endpoint, accessKeyId } = storage.s3
  const exists =
    name === 'disk'
      ? isThere(join(storage.disk.path, 'index.sqlite'))
      : region !== null || endpoint !== null || accessKeyId !== null
  return { config: { ...config, storage: { ...storage, driver: name, delivery: 'direct' } }, name, isThere: exists }
}

/** Variables that mean nothing with the driver in use must not stop the start: then the settings alone count. */
function asLoaded(loaded: Loaded, config: Config): Config {
  try {
    return loaded.withDriver('s3')
  } catch (error) {
    if (error instanceof ConfigError) return config
    throw error
  }
}

/**
 * The store that was in use before, as long as the catalog has anything in it; a word in the log says so, and what to do.
 * Null where there is nothing, or the store cannot be opened.
 */
export async function openOtherStore(
  config: Config,
  catalog: StoreRecords,
  o: Parameters<typeof createStorage>[1] & { loaded?: Loaded },
): Promise<StorageDriver | null> {
  const { name, config: otherwise, ...store } = otherStore(config, o.loaded ?? null)
  const count = await catalog.countIn(name)
  const { files, pending, unneeded } = count
  if (files + pending + unneeded === 0) return null
  // Behind the objects endpoint there is one store, and with `proxied` that is the bucket.
  const isHidden = config.storage.delivery === 'proxied'
  if (files + pending > 0) {
    const line =
      name === 'disk'
        ? 'storage: { disk: { path: "the folder that held them" } }'
        : 'storage: { s3: { endpoint: "https://…", region: "…", accessKeyId: "…", secretAccessKey: "…" } }'
    const advice = isHidden
      ? 'they are not served: write storage: { delivery: direct } until postern migrate has moved them'
      : store.isThere
        ? `they are served from there; postern migrate --to ${config.storage.driver} moves them`
        : `they are not served: write ${line}, start again, then postern migrate --to ${config.storage.driver}`
    o.log.warn(
      { store: name, ...count },
      `storage.driver was changed, and files are still in the ${name} store: ${advice}`,
    )
  }
  return store.isThere && !isHidden ? createStorage(otherwise, { ...o, catalog }) : null
}

/** Where the browser will go for bytes: whatever host the presigned URLs name. */
export async function urlOfBucket(driver: StorageDriver, { storage }: Config): Promise<string> {
  try {
    return (await driver.presignHead({ bucket: storage.bucket, key: 'origin' }, { expiresIn: 60 })).url
  } catch {
    // No credentials yet: the start goes on, and readiness tells.
    return storage.s3.publicEndpoint ?? storage.s3.endpoint ?? `https://${storage.bucket}.s3.amazonaws.com`
  }
}
