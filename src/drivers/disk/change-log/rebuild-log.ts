/** `postern rebuild-log`: writes a new log with every state of the index, in a new epoch. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isThere } from '../../../cannot-open.ts'
import { StorageError } from '../../../errors.ts'
import { fileCalls, type LogCalls } from '../file-calls.ts'
import { openOffline, setAside } from './offline.ts'
import { newStoreId, readPack } from './pack.ts'
import { Positions } from './position.ts'
import { StatePages, startOfStates } from './write-all.ts'
import { BlobLayout } from '../blob-layout.ts'

export type RebuiltLog = {
  storeId: string
  frames: number
  /** New path of the replaced log. null if there was none. */
  setAside: string | null
}

/**
 * Can be interrupted and run again. `storeId` is used for an index that has none yet. Errors: NotFound if there is no
 * index.
 */
export async function rebuildLog(o: {
  root: string
  storeId?: string | null
  /** Forgets the recorded catalog, so the next start accepts any catalog of this store. */
  unpair?: boolean
  calls?: LogCalls
  signal?: AbortSignal
}): Promise<RebuiltLog> {
  const { root } = o
  const index = new BlobLayout(root).index
  if (!isThere(index)) {
    throw new StorageError('NotFound', {
      message: `There is no index at ${index} to write the log from. To rebuild the index from the log, run postern rebuild-index.`,
    })
  }
  const { db, log, queue, close } = await openOffline({ root, index, ...(o.calls && { calls: o.calls }) })
  try {
    const positions = new Positions(db)
    const before = positions.read()
    const found = packsIn(root)
    const epoch = Math.max(before?.epoch ?? 0, ...found.map((pack) => pack.epoch)) + 1
    const number = Math.max(before?.pack ?? 0, ...found.map((pack) => pack.number)) + 1
    const store = before?.store ?? o.storeId ?? newStoreId()
    const aside = setAside(root, 'log', filesIn(new BlobLayout(root).log))
    queue.adopt(() => ({
      position: { ...log.create({ store, epoch, number }), unlogged: startOfStates },
      states: [],
    }))
    if (o.unpair) queue.fromLog(() => db.exec('DELETE FROM paired'))
    const pages = new StatePages(db)
    while (!(await pages.next(queue))) o.signal?.throwIfAborted()
    queue.syncIndex()
    return { storeId: store, frames: positions.read()!.sequence, setAside: aside }
  } finally {
    close()
  }
}

/** The readable headers. The new log must be later than all of them. */
function packsIn(root: string): { number: number; epoch: number }[] {
  return filesIn(new BlobLayout(root).log).flatMap((path) => {
    const number = Number(/(\d+)\.pack$/.exec(path)?.[1] ?? 0)
    try {
      return [{ number, epoch: readPack(root, number, fileCalls).header.epoch }]
    } catch {
      return [{ number, epoch: 0 }]
    }
  })
}

function filesIn(folder: string): string[] {
  return isThere(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
}
