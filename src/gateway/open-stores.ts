/** Step 2: opens the current store, and the others that still have files. */
import type { Config } from '../config/config.ts'
import { servesObjects } from '../config/serves-objects.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import type { Peers } from '../drivers/peers.ts'
import type { OpenContext } from '../drivers/registration.ts'
import { registrationOf } from '../drivers/registry.ts'
import type { SigningCredentials } from '../sigv4/types.ts'
import { createStorage, openOtherStores, urlOfStore } from '../storage.ts'
import type { ResolvedOptions } from './gateway.ts'
import type { Shared } from './join-others.ts'

export type OpenStores = {
  driver: StorageDriver
  others: StorageDriver[]
  /** The store behind the objects endpoint. null: every store serves its own URLs. */
  endpointStore: StorageDriver | null
  /** The URL of the current store, if it serves its own URLs. */
  bucketUrl: string | null
  /** The URLs of the other stores that serve their own. */
  otherUrls: string[]
}

export async function openStores(
  config: Config,
  o: ResolvedOptions,
  from: {
    shared: Shared
    objectsUrl: () => string
    signing: () => SigningCredentials
    /** Whether the clock is steady enough to delete by age. */
    mayDelete: () => boolean
  },
): Promise<OpenStores> {
  const { shared, ...endpoint } = from
  const { catalog } = shared
  const storage = { ...o, ...endpoint, catalog, sweepOnStart: sweepOnStart(o.peers) }
  const open = async () => {
    const driver = await createStorage(config, storage)
    return { driver, others: await openOtherStores(config, catalog, storage) }
  }
  const { driver, others } = await open().catch(async (error: unknown) => {
    // Open connections would keep the process running.
    await shared.close().catch(() => {})
    throw error
  })
  const bucketUrl = servesObjects(config) ? null : await urlOfStore(driver, config)
  const hasOwnUrls = ({ name }: StorageDriver): boolean => registrationOf(name).hasOwnUrls
  return {
    driver,
    others,
    bucketUrl,
    otherUrls: await Promise.all(others.filter(hasOwnUrls).map((store) => urlOfStore(store, config))),
    endpointStore: bucketUrl === null ? driver : (others.find((store) => !hasOwnUrls(store)) ?? null),
  }
}

/** One worker sweeps the store at the start. A replacement spares what the other workers are writing. */
function sweepOnStart({ index, isReplacement }: Peers): OpenContext['sweepOnStart'] {
  return index === 0 && (isReplacement ? 'shared' : true)
}
