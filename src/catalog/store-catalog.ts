/** The part of the catalog port that ties files to the store they are in. */
import type { FileRecord } from './catalog.ts'

type Store = FileRecord['store']

export interface StoreCatalog {
  /** The id of the store; null until one was recorded. */
  storeId(name: Store): Promise<string | null>
  /** Replaces what was recorded. */
  recordStore(name: Store, id: string): Promise<void>
  /**
   * Adds a confirmed file, with its usage, whatever the quota. False, and nothing has changed, where its id or key is
   * known in any status.
   */
  restoreFile(file: FileRecord): Promise<boolean>
}
