/** Whether the store may take a write: enough room, and no sync has ever failed. */
import { StorageError } from '../../errors.ts'
import type { FileCalls } from './file-calls.ts'
import type { DiskLog } from './log.ts'

/** Milliseconds for which the free space is believed. */
const believed = 1000

export class WriteGuard {
  readonly #calls: FileCalls
  readonly #root: string
  readonly #minFree: number
  readonly #log: DiskLog
  #failed: unknown
  #free = Infinity
  #asked = -Infinity
  #asking: Promise<void> | null = null

  constructor(o: { calls: FileCalls; root: string; minFree: number; log: DiskLog }) {
    this.#calls = o.calls
    this.#root = o.root
    this.#minFree = o.minFree
    this.#log = o.log
  }

  /** Throws Unavailable after a failed sync, InsufficientStorage where `bytes` more would leave less than `minFree`. */
  async assertWritable(bytes: number): Promise<void> {
    this.assertSound()
    if (performance.now() - this.#asked > believed) await (this.#asking ??= this.#ask())
    if (this.#free - bytes >= this.#minFree) return
    throw new StorageError('InsufficientStorage', { message: 'The disk has too little free space for this write.' })
  }

  assertSound(): void {
    if (this.#failed === undefined) return
    throw new StorageError('Unavailable', {
      message: 'A write could not be made durable; writes are refused until the server is restarted.',
      cause: this.#failed,
    })
  }

  /**
   * Latches writes off. After a failed fsync the kernel may have dropped the dirty pages and report success the next
   * time, so that a retry proves nothing; a restart reads back what is really there.
   */
  trip(cause: unknown): void {
    if (this.#failed !== undefined) return
    this.#failed = cause
    this.#log.error({ err: cause }, 'a sync failed: writes are refused until restart, reads go on')
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
