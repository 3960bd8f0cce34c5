/** Opens the current store, and the other stores in which the catalog still has files. */
import type { Catalog } from './catalog/catalog.ts'
import { ConfigError } from './config/config-error.ts'
import type { LoadedConfig } from './config/load-config.ts'
import { ownerLimits } from './config/owner-limits.ts'
import type { Config } from './config/config.ts'
import type { Secrets } from './config/secrets.ts'
import { completeDriver } from './drivers/complete-driver.ts'
import type { StorageDriver } from './drivers/driver.ts'
import type { Expected } from './drivers/expected.ts'
import { alone, type Peers } from './drivers/peers.ts'
import type { DriverRegistration, OpenContext } from './drivers/registration.ts'
import { registrationOf, registrations, settingsOf } from './drivers/registry.ts'
import type { Logger } from './log.ts'
import { objectsBaseUrl } from './http/public-urls.ts'
import type { SigningCredentials } from './sigv4/types.ts'

export type StorageOptions = {
  secrets: Secrets
  log: Logger
  now?: () => Date
  /** Other processes that use the same folder. Default: none. */
  peers?: Peers
  /** Compared with the store, because the two must belong together. Without a catalog nothing is compared. */
  catalog?: StoreRecords
}

/** Opens only the current store. `objectsUrl` is the base of the objects endpoint's URLs. */
export async function createStorage(
  config: Config,
  o: StorageOptions & {
    objectsUrl?: () => string
    signing?: () => SigningCredentials
    sweepOnStart?: OpenContext['sweepOnStart']
    mayDelete?: () => boolean
  },
): Promise<StorageDriver> {
  const { storage, objects, downloads } = config
  const { catalog, peers = alone } = o
  const endpoint = {
    publicUrl: o.objectsUrl ?? (() => objectsBaseUrl(config, null)),
    region: objects.region,
    credentials: o.signing ?? o.secrets.signing,
    now: o.now ?? (() => new Date()),
  }
  const registration = registrationOf(storage.driver)
  const { name } = registration
  let isCompared = false
  const opened = await registration.open(settingsOf(storage, registration), {
    bucket: storage.bucket,
    endpoint,
    peers,
    log: o.log,
    publicBaseUrl: downloads.publicBaseUrl,
    groupReads: objects.sendfile !== 'off',
    ownerLimits: ownerLimits(config),
    sweepOnStart: o.sweepOnStart ?? false,
    ...(o.mayDelete && { mayDelete: o.mayDelete }),
    ...(catalog && {
      async expected() {
        const expected = await expectedIn(catalog, name).catch(unreadable(o.log))
        isCompared = expected !== undefined
        return expected
      },
    }),
  })
  const driver = completeDriver(opened, { bucket: storage.bucket, endpoint, peers, log: o.log })
  if (catalog && isCompared) await recordStore(catalog, driver)
  if (!registration.hasOwnUrls || storage.delivery !== 'proxied') return driver
  const { createProxiedDriver } = await import('./drivers/proxied/proxied-driver.ts')
  return createProxiedDriver(driver, { ...endpoint, peers })
}

type StoreRecords = Pick<
  Catalog,
  'storeId' | 'recordStore' | 'countIn' | 'filesIn' | 'generation' | 'findUploadByKey' | 'movedObjects'
>

async function expectedIn(catalog: StoreRecords, name: string): Promise<Expected> {
  const [storeId, { files, pending, unneeded }] = await Promise.all([catalog.storeId(name), catalog.countIn(name)])
  return {
    storeId,
    files: files + pending + unneeded,
    async *objects() {
      for (let after: string | undefined; ;) {
        const page = await catalog.filesIn(name, { limit: 500, ...(after !== undefined && { after }) })
        if (page.length === 0) return
        yield page.map(({ file }) => file.object)
        after = page.at(-1)!.file.id
      }
    },
    generation: () => catalog.generation(name),
    knows: async ({ id, key }) => (await catalog.findUploadByKey(key)) !== null || (await hasMoved(catalog, id)),
  }
}

/** The record of a moved object remains after its file was deleted. */
async function hasMoved(catalog: Pick<Catalog, 'movedObjects'>, fileId: string): Promise<boolean> {
  for (let after: string | undefined; ;) {
    const page = await catalog.movedObjects({ limit: 500, ...(after !== undefined && { after }) })
    if (page.some((moved) => moved.fileId === fileId)) return true
    if (page.length === 0) return false
    after = page.at(-1)!.id
  }
}

/** A damaged catalog does not prevent startup. It is logged, and not compared with the store. */
const unreadable =
  (log: Logger) =>
  (err: unknown): undefined =>
    void log.error({ err }, 'cannot read the catalog, so this start does not compare it with the store')

async function recordStore(catalog: StoreRecords, { name, storeId }: StorageDriver): Promise<void> {
  if (storeId !== undefined && (await catalog.storeId(name)) !== storeId) await catalog.recordStore(name, storeId)
}

/** Reads the configuration again with another driver. */
type Loaded = Pick<LoadedConfig, 'withDriver'>

/** A store that is not current. */
export type OtherStore = {
  registration: DriverRegistration
  /** The same configuration with this store as the current one. */
  config: Config
  isConfigured: boolean
}

export function otherStores(config: Config, loaded: Loaded | null): OtherStore[] {
  return registrations()
    .filter(({ name }) => name !== config.storage.driver)
    .map((registration) => {
      const { name, variables } = registration
      const { storage } = variables.length > 0 && loaded ? asLoaded(loaded, config, name) : config
      return {
        registration,
        config: { ...config, storage: { ...storage, driver: name, delivery: 'direct' } },
        isConfigured: registration.isConfigured(settingsOf(storage, registration)),
      }
    })
}

/** Invalid variables of a driver that is not current must not prevent startup. They are ignored then. */
function asLoaded(loaded: Loaded, config: Config, name: string): Config {
  try {
    return loaded.withDriver(name)
  } catch (error) {
    if (error instanceof ConfigError) return config
    throw error
  }
}

/**
 * Opens the other stores in which the catalog still has files, and logs a warning that says how to move them. Skips
 * stores that are not configured.
 */
export async function openOtherStores(
  config: Config,
  catalog: StoreRecords,
  o: Parameters<typeof createStorage>[1] & { loaded?: Loaded },
): Promise<StorageDriver[]> {
  const opened: StorageDriver[] = []
  // The objects endpoint serves one store. With `proxied`, that is the bucket.
  const isHidden = config.storage.delivery === 'proxied'
  try {
    for (const other of otherStores(config, o.loaded ?? null)) {
      const count = await catalog.countIn(other.registration.name)
      const { files, pending, unneeded } = count
      if (files + pending + unneeded === 0) continue
      if (files + pending > 0) {
        const { name } = other.registration
        o.log.warn(
          { store: name, ...count },
          `storage.driver was changed, but files are still in the ${name} store. ${adviceFor(other, config, isHidden)}`,
        )
      }
      if (other.isConfigured && !isHidden) opened.push(await createStorage(other.config, { ...o, catalog }))
    }
    return opened
  } catch (error) {
    await Promise.all(opened.map((store) => store.close().catch(() => {})))
    throw error
  }
}

function adviceFor({ registration, isConfigured }: OtherStore, { storage }: Config, isHidden: boolean): string {
  if (isHidden) return 'They are not served. Set storage: { delivery: direct } until postern migrate has moved them'
  return isConfigured
    ? `They are served from there. To move them, run postern migrate --to ${storage.driver}`
    : `They are not served. Write ${registration.example}, restart, then run postern migrate --to ${storage.driver}`
}

/** A URL whose origin browsers use for a store with its own URLs: that of its presigned URLs. */
export async function urlOfStore(driver: StorageDriver, { storage }: Config): Promise<string> {
  try {
    return (await driver.presignHead({ bucket: storage.bucket, key: 'origin' }, { expiresIn: 60 })).url
  } catch {
    // Missing credentials must not prevent startup. The readiness check reports them.
    const registration = registrationOf(driver.name)
    return registration.publicUrl!(settingsOf(storage, registration), storage.bucket)
  }
}
