/** The part of the catalog port that binds files to their store. */
import type { CatalogGeneration } from '../drivers/driver.ts'
import type { FileRecord } from './records.ts'

type Store = FileRecord['store']

export interface StoreCatalog {
  /** The id of the store. null until one is recorded. */
  storeId(name: Store): Promise<string | null>
  /** Replaces the recorded id. A different id resets the generation. */
  recordStore(name: Store, id: string): Promise<void>
  /** The recorded generation of the store (see drivers/disk/change-log/pairing.ts). Numbers are 0 before the first. */
  generation(name: Store): Promise<CatalogGeneration>
  /** Never moves backwards. Does nothing if no store is recorded. */
  recordGeneration(name: Store, o: Partial<CatalogGeneration>): Promise<void>
  /**
   * Adds a confirmed file and its usage, regardless of the quota. A pending file becomes confirmed. False, without any
   * change, if its id or key exists in another status.
   */
  restoreFile(file: FileRecord): Promise<boolean>
}
