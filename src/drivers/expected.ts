import type { CatalogGeneration } from './driver.ts'
import type { ObjectNote, ObjectRef } from './objects.ts'

/** What the catalog says about the store. */
export type Expected = {
  /** The store that its files are in; null where it has not met one. */
  storeId: string | null
  /** Files, unfinished uploads and objects still to be removed that it has here. */
  files: number
  /** Objects of confirmed files, page by page. */
  objects(): AsyncIterable<readonly ObjectRef[]>
  /** The current value, which another process may change at any time. */
  generation(): Promise<CatalogGeneration>
  /** Whether it has a record of this file, in any status. */
  knows(note: ObjectNote): Promise<boolean>
}
