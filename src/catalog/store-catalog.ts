/** The part of the catalog port that ties files to the store they are in. */
import type { CatalogGeneration } from '../drivers/driver.ts'
import type { FileRecord } from './catalog.ts'

type Store = FileRecord['store']

export interface StoreCatalog {
  /** The id of the store; null until one was recorded. */
  storeId(name: Store): Promise<string | null>
  /** Replaces what was recorded; with another id the generation begins anew. */
  recordStore(name: Store, id: string): Promise<void>
  /** What the store was last used with (see drivers/disk/change-log/pairing.ts). Numbers are 0 before the first. */
  generation(name: Store): Promise<CatalogGeneration>
  /** Never backwards. Nothing happens where no store was recorded. */
  recordGeneration(name: Store, o: Partial<CatalogGeneration>): Promise<void>
  /**
   * Adds a confirmed file, with its usage, whatever the quota; one that is pending becomes confirmed. False, and nothing
   * has changed, where its id or key is known in any other status.
   */
  restoreFile(file: FileRecord): Promise<boolean>
}
