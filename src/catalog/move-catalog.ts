/** The part of the catalog port that moves files from one store to the other: see service/stores/remove-moved.ts, migrate/. */
import type { FileRecord, Upload } from './catalog.ts'

type Store = FileRecord['store']
type Object = FileRecord['object']

/**
 * An object that is no file: `copy` is announced to become one, `left` was one. It is known here from before it is
 * written until it is removed, so that a process which ends at any moment leaves nothing that nobody knows.
 */
export type MovedObject = { id: string; fileId: string; kind: 'copy' | 'left'; store: Store; object: Object }

/** `bytes` are those of the confirmed files; `unneeded` objects are no file's any more, and not removed yet. */
export type StoreCount = { files: number; bytes: number; pending: number; unneeded: number }

export interface MoveCatalog {
  /** Confirmed files of a store with their grants, by id; `after` is the last id of the page before. */
  filesIn(store: Store, o: { limit: number; after?: string }): Promise<Upload[]>
  countIn(store: Store): Promise<StoreCount>
  /** Before the first byte of a copy is written. It counts as abandoned from `removableAt` on. */
  announceCopy(copy: Pick<MovedObject, 'id' | 'fileId' | 'store' | 'object'> & { removableAt: Date }): Promise<void>
  /**
   * The file's record names the copy from now on, what it named before counts as left, and its settled grant is
   * forgotten: `left` says what lies in the old store, and from when on nobody may need it (null: as long as the file
   * is there). False, and nothing has changed, unless the file is confirmed, still names `from`, and the copy is
   * announced and nobody has begun to remove it.
   */
  moveFile(o: {
    copyId: string
    from: Pick<FileRecord, 'id' | 'store' | 'object'>
    object: Object
    left: readonly { id: string; object: Object; removableAt: Date | null }[]
  }): Promise<boolean>
  /**
   * Takes objects that can go: none of them becomes a file any more. They are answered again until `forgetMoved`. `due`:
   * those whose time has come; `fileId`: what a deleted file has left; `id`: this copy; `copies`: all of them. By id;
   * `after` is the last id of the page before.
   */
  takeRemovable(
    by: { due: Date } | { fileId: string } | { id: string } | { copies: true },
    o: { limit: number; after?: string },
  ): Promise<MovedObject[]>
  /** What this store was left with for as long as the files are there may go from `removableAt` on. Resolves to how many objects. */
  endLeft(store: Store, removableAt: Date): Promise<number>
  /** Once the object is gone. */
  forgetMoved(id: string): Promise<void>
  /** All that are known, by id. */
  movedObjects(o: { limit: number; after?: string }): Promise<MovedObject[]>
}
