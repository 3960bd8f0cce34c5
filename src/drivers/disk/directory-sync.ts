/** Syncing directories, so that a name that was answered survives a power cut. */
import { errorCode, type FileCalls } from './file-calls.ts'
import type { WriteGuard } from './write-guard.ts'

/** Windows cannot open a directory for syncing, and NTFS journals its names by itself. */
const possible = process.platform !== 'win32'
/** Answers of file systems that know no sync of a directory (some network and FUSE mounts). */
const unsupported = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EISDIR'])

type Queue = { running: Promise<void>; next: Promise<void> | null }

export class DirectorySync {
  readonly #calls: FileCalls
  readonly #guard: WriteGuard
  readonly #queues = new Map<string, Queue>()
  readonly enabled: boolean

  constructor(o: { calls: FileCalls; guard: WriteGuard; enabled: boolean }) {
    this.#calls = o.calls
    this.#guard = o.guard
    this.enabled = o.enabled && possible
  }

  /**
   * Resolves once a sync that began after this call has ended. Callers that come while one is running share the next
   * one: many uploads into a directory cost one sync.
   */
  sync(directory: string): Promise<void> {
    if (!this.enabled) return Promise.resolve()
    const queue = this.#queues.get(directory)
    if (!queue) return this.#start(directory)
    return (queue.next ??= queue.running.catch(() => {}).then(() => this.#start(directory)))
  }

  #start(directory: string): Promise<void> {
    const running = this.#syncNow(directory)
    const queue: Queue = { running, next: null }
    this.#queues.set(directory, queue)
    const settle = (): void => {
      if (queue.next === null && this.#queues.get(directory) === queue) this.#queues.delete(directory)
    }
    running.then(settle, settle)
    return running
  }

  async #syncNow(directory: string): Promise<void> {
    const fd = await this.#calls.open(directory, 'r')
    try {
      await this.#calls.fsync(fd)
    } catch (cause) {
      if (unsupported.has(errorCode(cause) ?? '')) return
      this.#guard.trip(cause)
      throw cause
    } finally {
      await this.#calls.close(fd)
    }
  }
}
