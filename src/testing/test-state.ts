/** Snapshots of the catalog and the store of a gateway. */
import { randomUUID } from 'node:crypto'
import type { Catalog } from '../catalog/catalog.ts'
import type { CatalogDump } from '../catalog/tables.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import { StorageError } from '../errors.ts'
import type { TestMode } from './test-mode.ts'

/** State that a test can save and restore. Snapshots are in memory until the gateway closes. */
export type TestState = {
  snapshot(): Promise<{ id: string }>
  /** Errors: NotFound. */
  restore(id: string): Promise<void>
  /** Restores the first snapshot, empties the journal, removes fault rules, and sets the clock to the system's time. */
  reset(): Promise<void>
}

export function createTestState(o: { mode: TestMode; catalog: Catalog; driver: StorageDriver }): TestState {
  const dumps = new Map<string, CatalogDump>()
  let first: string | null = null

  /** Errors: NotSupported if the store has no snapshots. */
  const snapshots = (): NonNullable<StorageDriver['snapshots']> => {
    if (o.driver.snapshots) return o.driver.snapshots
    throw new StorageError('NotSupported', {
      message: `The ${o.driver.name} store does not support snapshots. Use the disk driver for snapshots and reset.`,
    })
  }

  async function snapshot(): Promise<{ id: string }> {
    const id = randomUUID()
    await snapshots().take(id)
    dumps.set(id, await o.catalog.dump())
    first ??= id
    return { id }
  }

  async function restore(id: string): Promise<void> {
    const dump = dumps.get(id)
    if (!dump || !(await snapshots().restore(id))) {
      throw new StorageError('NotFound', {
        message: `There is no snapshot ${id}. Take one with POST /_test/snapshots.`,
      })
    }
    await o.catalog.load(dump)
  }

  return {
    snapshot,
    restore,
    async reset() {
      if (first === null)
        throw new StorageError('NotFound', {
          message: 'There is no snapshot to restore. Take one with POST /_test/snapshots.',
        })
      await restore(first)
      o.mode.requests.clear()
      o.mode.faults.clear()
      o.mode.clearFaults()
      o.mode.clock.reset()
      o.mode.events.clear()
    },
  }
}
