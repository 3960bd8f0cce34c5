/** Syncs directories, so that acknowledged names survive a power cut. */
import { dirname, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { errorCode, fileCalls, type FileCalls } from './file-calls.ts'
import type { WriteGuard } from './write-guard.ts'

/** Windows cannot open a directory to sync it. NTFS journals names on its own. */
export const syncsDirectories = process.platform !== 'win32'
/** Errors of file systems that cannot sync a directory (some network and FUSE mounts). */
const unsupported = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EISDIR'])

export const isUnsupportedSync = (cause: unknown): boolean => unsupported.has(errorCode(cause) ?? '')

/** Synchronous, for commands and the log. Errors: those of the sync, if the system supports it. */
export function syncFolderNow(
  path: string,
  calls: Pick<FileCalls, 'openSync' | 'fsyncSync' | 'closeSync'> = fileCalls,
): void {
  if (!syncsDirectories) return
  const fd = calls.openSync(path, 'r')
  try {
    calls.fsyncSync(fd)
  } catch (cause) {
    if (!isUnsupportedSync(cause)) throw cause
  } finally {
    calls.closeSync(fd)
  }
}

export class DirectorySync {
  readonly #calls: FileCalls
  readonly #guard: WriteGuard
  /** By directory: the running sync, which never rejects, and the next one, which collects callers. */
  readonly #running = new Map<string, Promise<void>>()
  readonly #next = new Map<string, Promise<void>>()
  readonly enabled: boolean

  constructor(o: { calls: FileCalls; guard: WriteGuard; enabled: boolean }) {
    this.#calls = o.calls
    this.#guard = o.guard
    this.enabled = o.enabled && syncsDirectories
  }

  /**
   * Resolves after a sync that started after this call. It starts at the end of this turn of the event loop, or after
   * the running sync. All callers until then share it, so many uploads into a directory cost one sync.
   */
  sync(directory: string): Promise<void> {
    if (!this.enabled) return Promise.resolve()
    const gathering = this.#next.get(directory)
    if (gathering) return gathering
    const next = (this.#running.get(directory) ?? setImmediate()).then(() => this.#start(directory))
    this.#next.set(directory, next)
    return next
  }

  #start(directory: string): Promise<void> {
    this.#next.delete(directory)
    const sync = this.#syncNow(directory)
    const running = sync
      .catch(() => {})
      .then(() => {
        if (this.#running.get(directory) === running) this.#running.delete(directory)
      })
    this.#running.set(directory, running)
    return sync
  }

  async #syncNow(directory: string): Promise<void> {
    const fd = await this.#calls.open(directory, 'r')
    try {
      await this.#calls.fsync(fd)
    } catch (cause) {
      if (isUnsupportedSync(cause)) return
      throw this.#guard.syncFailed(cause)
    } finally {
      await this.#calls.close(fd)
    }
  }
}

/** The folders in which a recursive `mkdir` of `path` created names. `first` is its return value. */
export function parentsOfMade(first: string | undefined, path: string): string[] {
  const parents: string[] = []
  if (first === undefined) return parents
  for (let made = resolve(path); made.length >= resolve(first).length; made = dirname(made)) parents.push(dirname(made))
  return parents
}
