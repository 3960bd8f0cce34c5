/**
 * Blobs: immutable files `objects/ab/cd/<id>`, written as `tmp/<random>` and renamed once they are on disk. Their names
 * contain nothing of bucket or key.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { dirname, join } from 'node:path'
import { StorageError } from '../../errors.ts'
import type { LocalFile } from '../driver.ts'
import { BlobLayout, folderDigits, relativeBlobPath } from './blob-layout.ts'
import { DirectorySync } from './directory-sync.ts'
import { errorCode, type FileCalls } from './file-calls.ts'
import type { WriteGuard } from './write-guard.ts'
import { Writer } from './writers.ts'

/** Number of blobs that go into one folder before the next is chosen. Concurrent uploads share its sync. */
const blobsPerFolder = 1024
const noFollow = constants.O_NOFOLLOW ?? 0
/** Opening a FIFO would wait for a writer. */
const nonBlocking = constants.O_NONBLOCK ?? 0

/** A blob that is being written. `publish` gives it its final name. `discard` deletes it, published or not. */
export type NewBlob = {
  readonly id: string
  readonly fd: number
  /** Syncs the bytes written so far. More may be written in the meantime. */
  syncData(): Promise<void>
  publish(): Promise<void>
  discard(): Promise<void>
  /** Must be called once the index has its row. From then on, the sweep decides by the row. */
  settle(): void
}

export class BlobStore {
  readonly layout: BlobLayout
  /** Blobs and temporary files of running writes in this process. The sweep leaves them alone. */
  readonly running = new Set<string>()
  readonly writer: Writer
  readonly #calls: FileCalls
  readonly #guard: WriteGuard
  readonly #directories: DirectorySync
  readonly #fsync: boolean
  readonly #fileMode: number
  #folder: { prefix: string; left: number; made: Promise<void> } | null = null

  constructor(o: { root: string; calls: FileCalls; guard: WriteGuard; fsync: boolean; groupReads: boolean }) {
    this.layout = new BlobLayout(o.root)
    this.writer = new Writer(o.root)
    this.#calls = o.calls
    this.#guard = o.guard
    this.#fsync = o.fsync
    this.#fileMode = o.groupReads ? 0o640 : 0o600
    this.#directories = new DirectorySync({ calls: o.calls, guard: o.guard, enabled: o.fsync })
  }

  /**
   * Creates the folders for blobs, temporary files and the log, and syncs `parents`, which may be new. Each folder must
   * be a real one: a link could lead writes out of the store or off its mount.
   */
  async prepare(parents: readonly string[]): Promise<void> {
    for (const parent of parents) await this.#directories.sync(parent)
    const { objects, temp, log } = this.layout
    for (const folder of [objects, temp, log]) await this.#makeFolder(folder)
  }

  path(id: string): string {
    return this.layout.path(id)
  }

  localFile(id: string): LocalFile {
    return { file: this.path(id), below: relativeBlobPath(id) }
  }

  async create(): Promise<NewBlob> {
    const { prefix, made } = this.#currentFolder()
    return this.#createIn(prefix, made)
  }

  async #createIn(prefix: string, folderMade: Promise<void>): Promise<NewBlob> {
    const id = prefix + randomBytes(16 - prefix.length / 2).toString('hex')
    const name = this.writer.temporaryName()
    this.running.add(id).add(name)
    const temp = join(this.layout.temp, name)
    try {
      const fd = await this.#calls.open(temp, 'wx', this.#fileMode)
      return this.#newBlob(id, fd, name, folderMade)
    } catch (cause) {
      this.running.delete(id)
      this.running.delete(name)
      throw cause
    }
  }

  /**
   * A descriptor for reading. Throws Corrupt unless the blob exists and is a regular file. Links and FIFOs are not
   * opened.
   */
  async open(id: string): Promise<number> {
    let fd: number
    try {
      fd = await this.#calls.open(this.path(id), constants.O_RDONLY | noFollow | nonBlocking)
    } catch (cause) {
      if (!['ENOENT', 'ELOOP', 'EMLINK', 'ENXIO', 'EISDIR', 'ENOTDIR'].includes(errorCode(cause) ?? '')) throw cause
      throw new StorageError('Corrupt', { message: 'The stored bytes are missing.', cause })
    }
    const stat = await this.#calls.fstat(fd)
    if (stat.isFile()) return fd
    await this.#calls.close(fd)
    throw new StorageError('Corrupt', { message: 'The stored bytes are missing.' })
  }

  /** Succeeds if the blob does not exist. */
  async remove(id: string): Promise<void> {
    await this.removePath(this.path(id))
  }

  async removePath(path: string): Promise<void> {
    try {
      await this.#calls.unlink(path)
    } catch (cause) {
      if (errorCode(cause) !== 'ENOENT') throw cause
    }
  }

  #newBlob(id: string, fd: number, name: string, folderMade: Promise<void>): NewBlob {
    const temp = join(this.layout.temp, name)
    const state = { open: true, at: temp }
    const close = async (): Promise<void> => {
      if (!state.open) return
      state.open = false
      await this.#calls.close(fd)
    }
    const settle = (): void => {
      this.running.delete(id)
      this.running.delete(name)
    }
    return {
      id,
      fd,
      settle,
      syncData: () => this.#sync(this.#calls.fdatasync, fd),
      publish: async () => {
        try {
          await this.#sync(this.#calls.fsync, fd)
        } finally {
          // If creating the folder failed first, report that error.
          await folderMade
        }
        await close()
        await this.#moveIn(temp, id)
        state.at = this.path(id)
        await this.#directories.sync(dirname(state.at))
      },
      discard: async () => {
        await close().catch(() => {})
        await this.removePath(state.at).catch(() => {})
        settle()
      },
    }
  }

  async #sync(call: (fd: number) => Promise<void>, fd: number): Promise<void> {
    if (!this.#fsync) return
    this.#guard.assertSound()
    try {
      await call(fd)
    } catch (cause) {
      throw this.#guard.syncFailed(cause)
    }
  }

  async #moveIn(temp: string, id: string): Promise<void> {
    try {
      await this.#calls.rename(temp, this.path(id))
    } catch (cause) {
      if (errorCode(cause) !== 'ENOENT') throw cause
      // The empty folder was deleted in the meantime.
      await this.#makeFolders(id)
      await this.#calls.rename(temp, this.path(id))
    }
  }

  #currentFolder(): { prefix: string; made: Promise<void> } {
    if (this.#folder === null || this.#folder.left === 0) {
      const prefix = randomBytes(folderDigits / 2).toString('hex')
      const made = this.#makeFolders(prefix)
      const folder = { prefix, left: blobsPerFolder, made }
      // A failure must not be remembered for later uploads.
      made.catch(() => {
        if (this.#folder === folder) this.#folder = null
      })
      this.#folder = folder
    }
    this.#folder.left--
    return this.#folder
  }

  async #makeFolders(id: string): Promise<void> {
    for (const folder of this.layout.folders(id)) await this.#makeFolder(folder)
  }

  /** Syncs a new folder in its parent, and so on up through all new folders. */
  async #makeFolder(path: string): Promise<void> {
    try {
      await this.#calls.mkdir(path)
    } catch (cause) {
      if (errorCode(cause) !== 'EEXIST') throw cause
      if (!(await this.#calls.lstat(path)).isDirectory())
        throw new StorageError('Unavailable', { message: 'A folder of the store is a link or a file.', cause })
      return
    }
    await this.#directories.sync(dirname(path))
  }
}
