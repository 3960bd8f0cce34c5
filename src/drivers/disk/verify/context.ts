/** What the checks of one run share. */
import type { Report } from '../../verify-problems.ts'
import type { BlobLayout } from '../blob-layout.ts'
import type { CommitQueue } from '../commit-queue.ts'
import type { Index } from '../open-index.ts'

export type VerifyContext = {
  /** The store's folder. */
  root: string
  layout: BlobLayout
  db: Index
  /** For repairs; null where nothing is written. */
  queue: CommitQueue | null
  /** Read every byte. */
  deep: boolean
  /** Mend what can be mended. The index is open for writing then. */
  repair: boolean
  /** Seconds for which what nothing refers to may belong to a write that is running in another process. */
  grace: number
  /** The number of orphans that the operator allows to be moved. */
  allowed?: number
  report: Report
  signal: AbortSignal
}

/** Rows read at a time: no read of the index lasts long enough to hold up its checkpoints. */
export const pageSize = 500

/** Runs `work` on every item, a few at a time, and ends early once `signal` is aborted. */
export async function forEach<T>(
  items: Iterable<T>,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      signal.throwIfAborted()
      await work(next.value)
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))
}
