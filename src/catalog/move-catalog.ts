/** The part of the catalog port that moves files between stores. See service/stores/remove-moved.ts and migrate/. */
import type { FileRecord, Upload } from './records.ts'

type Store = FileRecord['store']
type Object = FileRecord['object']

/**
 * An object that belongs to no file: a `copy` will become a file's object, and a `left` object was one. The row exists
 * from before the object is written until it is deleted, so that a crash at any moment leaves no orphan.
 */
export type MovedObject = { id: string; fileId: string; kind: 'copy' | 'left'; store: Store; object: Object }

/** `bytes`: of confirmed files. `unneeded`: objects that belong to no file any more and are not deleted yet. */
export type StoreCount = { files: number; bytes: number; pending: number; unneeded: number }

export interface MoveCatalog {
  /** Confirmed files of a store with their grants, by id. `after` is the last id of the previous page. */
  filesIn(store: Store, o: { limit: number; after?: string }): Promise<Upload[]>
  countIn(store: Store): Promise<StoreCount>
  /** Call this before the first byte of a copy is written. From `removableAt` on, the copy counts as abandoned. */
  announceCopy(copy: Pick<MovedObject, 'id' | 'fileId' | 'store' | 'object'> & { removableAt: Date }): Promise<void>
  /**
   * Makes the copy the file's object, records the old object as `left`, and drops the settled grant. `left` lists the
   * objects in the old store and when they become removable (null: not before the file is deleted). False, without any
   * change, unless the file is confirmed and still names `from`, and the copy is announced and not being removed.
   */
  moveFile(o: {
    copyId: string
    from: Pick<FileRecord, 'id' | 'store' | 'object'>
    object: Object
    left: readonly { id: string; object: Object; removableAt: Date | null }[]
  }): Promise<boolean>
  /**
   * Takes removable objects, which then cannot become a file's object. Returns them again until `forgetMoved`. `due`:
   * objects whose `removableAt` has passed. `fileId`: old objects of a deleted file. `id`: this copy. `copies`: all
   * copies. Ordered by id. `after` is the last id of the previous page.
   */
  takeRemovable(
    by: { due: Date } | { fileId: string } | { id: string } | { copies: true },
    o: { limit: number; after?: string },
  ): Promise<MovedObject[]>
  /**
   * Sets `removableAt` of the old objects in this store that are kept until their files are deleted. Resolves to their
   * number.
   */
  endLeft(store: Store, removableAt: Date): Promise<number>
  /** Call this once the object is deleted. */
  forgetMoved(id: string): Promise<void>
  /** All moved objects, by id. */
  movedObjects(o: { limit: number; after?: string }): Promise<MovedObject[]>
}
