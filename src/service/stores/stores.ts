/** The open stores of a gateway. Services look up the store by the file's record, so they cannot use the wrong one. */
import type { FileRecord } from '../../catalog/catalog.ts'
import type { StorageDriver } from '../../drivers/driver.ts'
import { StorageError } from '../../errors.ts'
import { registrationOf, settingsOf } from '../../drivers/registry.ts'
import type { StoreDescription } from '../../drivers/registration.ts'
import type { Config } from '../../config/config.ts'

export type Stores = {
  /** The store for new uploads. */
  readonly current: StorageDriver
  /** The store that contains this file's bytes. Errors: StoreNotOpen if this server has not opened it. */
  of(file: Pick<FileRecord, 'store'>): StorageDriver
  has(file: Pick<FileRecord, 'store'>): boolean
  /** Every open store, for work on whole stores. Never use it for a single file. */
  readonly all: readonly StorageDriver[]
}

/** `others` are stores that were current before and still contain files. */
export function createStores(current: StorageDriver, others: readonly StorageDriver[] = []): Stores {
  const all = [current, ...others]
  const opened = new Map(all.map((store) => [store.name, store]))
  return {
    current,
    of({ store }) {
      const found = opened.get(store)
      if (found) return found
      throw new StorageError('StoreNotOpen', {
        message: `This file is in the ${store} store, which this server has not opened. See docs/migrate.md.`,
      })
    },
    has: ({ store }) => opened.has(store),
    all,
  }
}

/** Describes the configured store. */
export function describeStore({ config: { storage } }: { config: Config }): Promise<StoreDescription> {
  const registration = registrationOf(storage.driver)
  return registration.describe(settingsOf(storage, registration), storage)
}
