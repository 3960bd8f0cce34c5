import type { CatalogGeneration } from './driver.ts'
import type { ObjectNote, ObjectRef } from './objects.ts'

/** What the catalog says about the store. */
export type Expected = {
  /** The store that contains its files. null if none is recorded yet. */
  storeId: string | null
  /** Number of files, unfinished uploads and objects to delete in this store. */
  files: number
  /** Objects of confirmed files, page by page. */
  objects(): AsyncIterable<readonly ObjectRef[]>
  /** The current value, which another process may change at any time. */
  generation(): Promise<CatalogGeneration>
  /** Whether it has a record of this file, in any status. */
  knows(note: ObjectNote): Promise<boolean>
}
