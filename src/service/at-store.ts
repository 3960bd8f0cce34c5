import type { FileRecord } from '../catalog/catalog.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import { StorageError } from '../errors.ts'
import type { ServiceDeps } from './deps.ts'

type Stores = Pick<ServiceDeps, 'driver' | 'other'>

/** null where the store is neither the one in use nor the one beside it. */
export const driverOf = ({ driver, other }: Stores, store: FileRecord['store']): StorageDriver | null =>
  [driver, other].find((one) => one?.name === store) ?? null

/**
 * The same dependencies with the driver that holds the bytes of this file. Errors: StoreNotOpen, where this server was
 * started without the other store.
 */
export function atStore<D extends Stores>(deps: D, { store }: Pick<FileRecord, 'store'>): D {
  const found = tryStore(deps, { store })
  if (found) return found
  throw new StorageError('StoreNotOpen', {
    message: `This file lies in the ${store} store, which this server has not opened: see docs/migrate.md.`,
  })
}

/** The same; null instead of the error. */
export function tryStore<D extends Stores>(deps: D, { store }: Pick<FileRecord, 'store'>): D | null {
  const driver = driverOf(deps, store)
  if (driver === null) return null
  return driver === deps.driver ? deps : { ...deps, driver, other: deps.driver }
}
