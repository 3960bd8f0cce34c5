/** Handles orphaned blobs for `postern gc` and `postern quarantine`, with or without a running server. */
import { realpath } from 'node:fs/promises'
import { isThere } from '../../cannot-open.ts'
import { StorageError } from '../../errors.ts'
import { fileCalls } from './file-calls.ts'
import {
  countOrphans,
  findOrphans,
  listQuarantine,
  mayTake,
  putBack,
  QuarantineSet,
  tooManyOrphans,
  type OrphanCount,
  type SetOfOrphans,
} from './orphans.ts'
import { toStorageError } from './store-error.ts'
import { openToRead } from './verify/verify-store.ts'
import { BlobLayout } from './blob-layout.ts'

export type SetAsideOptions = {
  /** The store's folder. */
  path: string
  /** If false, orphans are only counted. */
  move: boolean
  /** Seconds for which a blob may still get its row. */
  grace: number
  /** The number of orphans that the operator allows. */
  allowed?: number
  signal: AbortSignal
}

/** `set`: the folder below `quarantine/`. null if nothing was moved. */
export type SetAside = OrphanCount & { moved: number; set: string | null }

/** Errors: InvalidRequest, without moving anything, if there are more orphans than a run may move; Unavailable. */
export async function setAsideOrphans(o: SetAsideOptions): Promise<SetAside> {
  const root = await realpath(o.path)
  const db = openToRead(new BlobLayout(root).index)
  try {
    const known = db.prepare('SELECT 1 FROM blobs WHERE id = ?')
    const isKnown = (id: string): boolean => known.get(id) !== undefined
    const search = { root, calls: fileCalls, isKnown, grace: o.grace, isStopped: () => o.signal.aborted }
    const count = await countOrphans(search)
    o.signal.throwIfAborted()
    if (!o.move || count.orphans === 0) return { ...count, moved: 0, set: null }
    if (!mayTake(count, o.allowed)) {
      throw new StorageError('InvalidRequest', { message: tooManyOrphans(count, root) })
    }
    const set = new QuarantineSet(search, { by: 'gc', now: new Date() })
    let moved = 0
    try {
      for await (const found of findOrphans(search)) moved += await set.add(found)
    } finally {
      await set.close()
    }
    o.signal.throwIfAborted()
    return { ...count, moved, set: moved > 0 ? set.name : null }
  } catch (cause) {
    throw toStorageError(cause)
  } finally {
    db.close()
  }
}

/** The sets of orphans in the quarantine of a store. Errors: NotFound if the folder does not exist. */
export async function quarantinedSets(path: string): Promise<SetOfOrphans[]> {
  if (!isThere(path)) throw noFolder(path)
  return listQuarantine({ root: await realpath(path), calls: fileCalls })
}

/**
 * Moves the blobs of these sets back to their places. Without names, of all sets. `left`: blobs whose place is taken.
 * Errors: NotFound for an unknown set.
 */
export async function putBackSets(path: string, names: readonly string[]): Promise<{ restored: number; left: number }> {
  const sets = (await quarantinedSets(path)).map(({ name }) => name)
  const unknown = names.find((name) => !sets.includes(name))
  if (unknown !== undefined) {
    throw new StorageError('NotFound', {
      message: `There is no set ${unknown} in ${new BlobLayout(path).quarantine}. postern quarantine list shows the names.`,
    })
  }
  const total = { restored: 0, left: 0 }
  for (const name of names.length > 0 ? names : sets) {
    const { restored, left } = await putBack({ root: await realpath(path), calls: fileCalls }, name)
    total.restored += restored
    total.left += left
  }
  return total
}

const noFolder = (path: string): StorageError =>
  new StorageError('NotFound', { message: `There is no folder ${path}. Give the folder of the store with --storage.` })
