/** The uploads of one page, outside React, so that mounting a component twice has no effect. */
import type {
  Client,
  FileRecord,
  Progress,
  UploadError,
  UploadOptions,
  UploadState,
  UploadTask,
} from '../client/index.ts'
import { metadataOfPath, pathOf } from './relative-path.ts'

export interface UploadItem {
  id: string
  name: string
  size: number
  /** null for an upload of an earlier visit whose file must be chosen again. */
  file: File | null
  /** `queued` also before the upload is started. */
  state: UploadState
  progress: Progress
  /** The server's id for the file, once it has granted the upload. */
  fileId: string | null
  error: UploadError | null
  /** The last error, while the upload waits, retries or signs again. */
  why?: UploadError | undefined
  record: FileRecord | null
}

export interface UploadsSnapshot {
  items: readonly UploadItem[]
  /** Totals of all uploads that are neither canceled nor refused. */
  progress: Progress
  isUploading: boolean
  isSuccess: boolean
  isError: boolean
  error: UploadError | null
}

export interface UploadListOptions {
  /** Whether adding a file starts its upload. Default true. */
  auto?: boolean
  /** Passed to the client with each file. */
  upload?: UploadOptions
  onSuccess?: (record: FileRecord, item: UploadItem) => void
  onError?: (error: UploadError, item: UploadItem) => void
}

type Entry = {
  id: string
  file: File | null
  task: UploadTask | null
  stop: () => void
  item: UploadItem
  /** The file was added and matches this entry's name and size. If its bytes differ it becomes a separate entry. */
  isOffered?: boolean
}

const settled: ReadonlySet<UploadState> = new Set(['success', 'error', 'canceled'])
const resting: ReadonlySet<UploadState> = new Set(['paused', 'needs-file'])

const nothing = (total: number): Progress => ({
  loaded: 0,
  total,
  percent: 0,
  bytesPerSecond: 0,
  etaSeconds: null,
  attempt: 1,
})

let lastId = 0

export class UploadList {
  readonly #client: Client
  /** Replaced at each render, so that the latest callbacks are called. */
  options: UploadListOptions
  #entries: Entry[] = []
  #isRestored = false
  /** null until it is computed on demand. */
  #snapshot: UploadsSnapshot | null = null
  #isBatching = false
  readonly #listeners = new Set<() => void>()

  constructor(client: Client, options: UploadListOptions = {}) {
    this.#client = client
    this.options = options
  }

  getSnapshot = (): UploadsSnapshot => (this.#snapshot ??= summary(this.#entries.map(({ item }) => item)))

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Returns the new ids. A file that matches an unfinished upload resumes that entry. */
  add = (files: Iterable<File>): string[] => {
    return this.#batch(() => {
      const unfinished = this.#entries.filter(({ item, file }) => item.state === 'needs-file' && !file)
      const added = Array.from(files, (file) => {
        const at = unfinished.findIndex(({ item }) => item.name === file.name && item.size === file.size)
        const [waiting] = at < 0 ? [] : unfinished.splice(at, 1)
        if (!waiting) return this.#appendFile(file)
        waiting.isOffered = true
        this.#handIn(waiting, file)
        return waiting
      })
      if (this.options.auto !== false) for (const entry of added) this.#begin(entry)
      return added.map(({ id }) => id)
    })
  }

  /** Starts added files that were not started yet. */
  upload = (): void => this.#batch(() => this.#entries.forEach((entry) => this.#begin(entry)))

  /** Lists unfinished uploads of earlier visits as items that need their file. */
  restore = async (): Promise<void> => {
    if (this.#isRestored) return
    this.#isRestored = true
    const records = await this.#client.pending()
    this.#batch(() => {
      for (const record of records) {
        const { id: fileId, filename: name, size } = record
        const entry = this.#append({ file: null, name, size, state: 'needs-file', fileId })
        this.#watch(entry, this.#client.resume(record, this.options.upload))
      }
    })
  }

  pause = (id?: string): void => this.#each(id, ({ task }) => task?.pause())
  retry = (id?: string): void => this.#each(id, ({ task }) => task?.retry())
  cancel = (id?: string): void => this.#each(id, (entry) => this.#cancel(entry))

  resume = (id?: string, file?: File): void =>
    this.#each(id, (entry) => {
      entry.isOffered = false
      if (file) this.#handIn(entry, file)
      else entry.task?.resume()
    })

  /** Removes the item from the list. Cancels it if it is not finished. */
  remove = (id: string): void => {
    this.#each(id, (entry) => this.#drop(entry))
    this.#entries = this.#entries.filter((entry) => entry.id !== id)
    this.#changed()
  }

  reset = (): void => {
    this.#each(undefined, (entry) => this.#drop(entry))
    this.#entries = []
    this.#changed()
  }

  #append(o: Pick<UploadItem, 'file' | 'name' | 'size' | 'state' | 'fileId'>): Entry {
    const id = `item-${++lastId}`
    const item: UploadItem = { id, ...o, progress: nothing(o.size), error: null, record: null }
    const entry: Entry = { id, file: o.file, task: null, stop: () => {}, item }
    this.#entries.push(entry)
    return entry
  }

  #appendFile = (file: File): Entry =>
    this.#append({ file, name: file.name, size: file.size, state: 'queued', fileId: null })

  #begin(entry: Entry): void {
    const { file } = entry
    if (entry.task || !file || entry.item.state !== 'queued') return
    const { upload } = this.options
    const metadata = { ...metadataOfPath(pathOf(file)), ...upload?.metadata }
    this.#watch(entry, this.#client.upload(file, Object.keys(metadata).length > 0 ? { ...upload, metadata } : upload))
  }

  #watch(entry: Entry, task: UploadTask): void {
    entry.task = task
    entry.stop = task.subscribe(() => this.#update(entry, task))
    this.#update(entry, task)
  }

  #update(entry: Entry, task: UploadTask): void {
    const before = entry.item.state
    const { state, progress, error, why, record, fileId } = task.getSnapshot()
    if (state === 'needs-file' && error && entry.file) return this.#refuseFile(entry, entry.file, error)
    const known = fileId ?? entry.item.fileId
    entry.item = { ...entry.item, file: entry.file, state, progress, error, why, record, fileId: known }
    this.#changed()
    if (state === before) return
    if (record && state === 'success') this.options.onSuccess?.(record, entry.item)
    if (error && state === 'error') this.options.onError?.(error, entry.item)
  }

  /** The file does not match the one that an earlier visit uploaded. */
  #refuseFile(entry: Entry, file: File, error: UploadError): void {
    const { isOffered } = entry
    Object.assign(entry, { file: null, isOffered: false })
    entry.item = { ...entry.item, file: null, error: isOffered ? null : error }
    if (isOffered) {
      const own = this.#appendFile(file)
      if (this.options.auto !== false) this.#begin(own)
    }
    this.#changed()
  }

  #handIn(entry: Entry, file: File): void {
    entry.file = file
    entry.task?.resume(file)
  }

  #cancel(entry: Entry): void {
    if (entry.task) entry.task.cancel()
    else entry.item = { ...entry.item, state: 'canceled' }
  }

  #drop(entry: Entry): void {
    entry.stop()
    this.#cancel(entry)
  }

  #each(id: string | undefined, act: (entry: Entry) => void): void {
    // Waiting uploads first, because a slot that becomes free would start one of them.
    const meant = this.#entries.filter((entry) => id === undefined || entry.id === id)
    this.#batch(() => meant.toReversed().forEach(act))
  }

  /** Notifies listeners once for many changes. */
  #batch<T>(work: () => T): T {
    this.#isBatching = true
    try {
      return work()
    } finally {
      this.#isBatching = false
      this.#changed()
    }
  }

  #changed(): void {
    this.#snapshot = null
    if (this.#isBatching) return
    for (const listener of this.#listeners) listener()
  }
}

function summary(items: readonly UploadItem[]): UploadsSnapshot {
  const counted = items.filter(({ state }) => state !== 'canceled' && state !== 'error')
  const sum = (read: (progress: Progress) => number): number => counted.reduce((all, i) => all + read(i.progress), 0)
  const moving = items.filter(({ state }) => state === 'uploading')
  const bytesPerSecond = moving.reduce((all, { progress }) => all + progress.bytesPerSecond, 0)
  const [loaded, total] = [sum((p) => p.loaded), sum((p) => p.total)]
  const isSuccess = counted.length > 0 && items.every(({ state }) => state === 'success')
  const error = items.find(({ state }) => state === 'error')?.error ?? null
  return {
    items,
    progress: {
      loaded,
      total,
      percent: isSuccess ? 100 : total === 0 ? 0 : Math.min(99, Math.floor((loaded / total) * 100)),
      bytesPerSecond,
      etaSeconds: bytesPerSecond ? (total - loaded) / bytesPerSecond : null,
      attempt: Math.max(1, ...items.map(({ progress }) => progress.attempt)),
    },
    isUploading: items.some(({ state }) => !settled.has(state) && !resting.has(state)),
    isSuccess,
    isError: error !== null,
    error,
  }
}
