/** The stores of a gateway. A service reaches each file's bytes through the record, so that it cannot ask the wrong one. */
import type { FileRecord } from '../catalog/catalog.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import { StorageError } from '../errors.ts'

export type Stores = {
  /** Where new uploads go. */
  readonly current: StorageDriver
  /** Holds the bytes of this file. Errors: StoreNotOpen where this server has not opened that store. */
  of(file: Pick<FileRecord, 'store'>): StorageDriver
  has(file: Pick<FileRecord, 'store'>): boolean
  /** Every open store: for work on stores, never for one file. */
  readonly all: readonly StorageDriver[]
}

/** `others` were in use before, and still hold files. */
export function createStores(current: StorageDriver, others: readonly StorageDriver[] = []): Stores {
  const all = [current, ...others]
  const opened = new Map(all.map((store) => [store.name, store]))
  return {
    current,
    of({ store }) {
      const found = opened.get(store)
      if (found) return found
      throw new StorageError('StoreNotOpen', {
        message: `This file is in the ${store} store, which this server has not opened: see docs/migrate.md.`,
      })
    },
    has: ({ store }) => opened.has(store),
    all,
  }
}
