/** Decides whether the store accepts writes: enough free space, and no failed sync so far. */
import { StorageError } from '../../errors.ts'
import { errorCode, type FileCalls } from './file-calls.ts'
import { alone, question, type Peers } from '../peers.ts'
import { BlobLayout } from './blob-layout.ts'
import type { DiskLog } from './log.ts'
import { damagedIndex, isIndexDamage, UnusableStore } from './store-error.ts'

/** Milliseconds for which the free space is cached. */
const believed = 1000

/** Whether the index is damaged. A process that answers stops its own writes too. */
const writeFailed = question<boolean, void>('disk.failed')

export class WriteGuard {
  readonly #calls: FileCalls
  readonly #root: string
  readonly #minFree: number
  readonly #log: DiskLog
  readonly #peers: Peers
  #failed: unknown
  #isDamaged = false
  #free = Infinity
  #asked = -Infinity
  #asking: Promise<void> | null = null

  constructor(o: { calls: FileCalls; root: string; minFree: number; log: DiskLog; peers?: Peers }) {
    this.#calls = o.calls
    this.#root = o.root
    this.#minFree = o.minFree
    this.#log = o.log
    this.#peers = o.peers ?? alone
    this.#peers.answer(writeFailed, (isDamaged) => {
      if (this.#failed !== undefined) return
      this.#failed = new Error(isDamaged ? 'another worker found the damage' : 'a sync failed in another worker')
      this.#isDamaged = isDamaged
    })
  }

  /** Throws Unavailable after a failed sync, InsufficientStorage if `bytes` more would leave less than `minFree`. */
  async assertWritable(bytes: number): Promise<void> {
    this.assertSound()
    if (performance.now() - this.#asked > believed) await (this.#asking ??= this.#ask())
    if (this.#free - bytes < this.#minFree)
      throw new StorageError('InsufficientStorage', { message: 'The disk has too little free space for this write.' })
    // Subtract this write until the free space is queried again.
    this.#free -= bytes
  }

  assertSound(): void {
    if (this.#failed === undefined) return
    if (this.#isDamaged) throw new UnusableStore(damagedIndex(this.#index()), { retryAfter: 5, cause: this.#failed })
    throw new StorageError('Unavailable', {
      message: 'A write could not be made durable. The server accepts no writes until it is restarted.',
      cause: this.#failed,
    })
  }

  /**
   * The error of a write whose sync failed: Internal, and no further write is accepted. A full disk does not count as a
   * failed disk: only the file that did not fit is dropped, as after a failed write.
   */
  syncFailed(cause: unknown): unknown {
    if (['ENOSPC', 'EDQUOT'].includes(errorCode(cause) ?? '')) return cause
    this.trip(cause)
    return new StorageError('Internal', { message: 'A write could not be made durable.', cause })
  }

  /**
   * Refuses all writes until the restart. A damaged index must be rebuilt first. After a failed fsync, the kernel may have
   * dropped the dirty pages and report success the next time, so a retry proves nothing. A restart reads the bytes that
   * are really on disk.
   */
  trip(cause: unknown): void {
    if (this.#failed !== undefined) return
    this.#failed = cause
    this.#isDamaged = isIndexDamage(cause)
    if (this.#isDamaged) this.#log.error({}, damagedIndex(this.#index()))
    else this.#log.error({ err: cause }, 'a sync failed, so writes are refused until the restart. Reads continue')
    // All workers use the same disk.
    this.#peers.ask(writeFailed, this.#isDamaged).catch(() => {})
  }

  #index(): string {
    return new BlobLayout(this.#root).index
  }

  async #ask(): Promise<void> {
    try {
      const { bavail, bsize } = await this.#calls.statfs(this.#root)
      this.#free = bavail * bsize
      this.#asked = performance.now()
    } finally {
      this.#asking = null
    }
  }
}
