/** The shared context of the checks of one run. */
import type { Report } from '../../verify-problems.ts'
import type { BlobLayout } from '../blob-layout.ts'
import type { CommitQueue } from '../commit-queue.ts'
import type { Index } from '../open-index.ts'

export type VerifyContext = {
  /** The store's folder. */
  root: string
  layout: BlobLayout
  db: Index
  /** For repairs. null if nothing may be written. */
  queue: CommitQueue | null
  /** Read every byte. */
  deep: boolean
  /** Repair what can be repaired. Requires an index that is open for writing. */
  repair: boolean
  /** Seconds for which an unreferenced file may belong to a running write of another process. */
  grace: number
  /** The number of orphans that the operator allows to move. */
  allowed?: number
  report: Report
  signal: AbortSignal
}

/** Rows per read, so that no read of the index delays its checkpoints. */
export const pageSize = 500

/** Runs `work` on every item, a few at a time. Stops early when `signal` is aborted. */
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
