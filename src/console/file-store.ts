/** The list of files: what is shown, the search, the next page, deletes that can still be undone, and the usage. */
import { ApiError, deleteFile, getUsage, listFiles } from './api.ts'
import type { FileRecord, Usage } from './api.ts'
import { Store } from './store.ts'
import type { Toasts } from './toasts.ts'
import { displayName } from './format.ts'

export const undoSeconds = 8

type Files = {
  status: 'loading' | 'ready' | 'error'
  error: ApiError | null
  files: FileRecord[]
  nextCursor: string | null
  loadingMore: boolean
  query: string
  usage: Usage | null
  /** Gone from the list, not yet from the server. */
  deleting: FileRecord[]
}

const nothing: Files = {
  status: 'loading',
  error: null,
  files: [],
  nextCursor: null,
  loadingMore: false,
  query: '',
  usage: null,
  deleting: [],
}

export class FileStore extends Store<Files> {
  readonly #toasts: Toasts
  #loading = new AbortController()
  #undoTimer: ReturnType<typeof setTimeout> | undefined

  constructor(toasts: Toasts) {
    super(nothing)
    this.#toasts = toasts
  }

  /** Nothing of one user is shown to the next. */
  clear(): void {
    this.#loading.abort()
    clearTimeout(this.#undoTimer)
    this.set(nothing)
  }

  /** Loads the first page; a load that is still under way is dropped, so the last search wins. */
  async load(query = this.get().query): Promise<void> {
    this.#loading.abort()
    this.#loading = new AbortController()
    const { signal } = this.#loading
    const sameQuery = query === this.get().query
    this.set({
      query,
      status: sameQuery && this.get().status === 'ready' ? 'ready' : 'loading',
      error: null,
      loadingMore: false,
    })
    void this.loadUsage()
    try {
      const { files, nextCursor } = await listFiles({ q: query, signal })
      if (!signal.aborted) this.set({ status: 'ready', files, nextCursor })
    } catch (error) {
      if (!signal.aborted) this.set({ status: 'error', error: asApiError(error), files: [], nextCursor: null })
    }
  }

  async loadMore(): Promise<void> {
    const { nextCursor, loadingMore, query } = this.get()
    if (!nextCursor || loadingMore) return
    const { signal } = this.#loading
    this.set({ loadingMore: true })
    try {
      const page = await listFiles({ q: query, cursor: nextCursor, signal })
      if (signal.aborted) return
      const known = new Set(this.get().files.map((f) => f.id))
      const files = [...this.get().files, ...page.files.filter((f) => !known.has(f.id))]
      this.set({ files, nextCursor: page.nextCursor, loadingMore: false })
    } catch (error) {
      if (signal.aborted) return
      this.set({ loadingMore: false })
      this.#toasts.say(`The next files could not be loaded. ${asApiError(error).message}`, 'bad')
    }
  }

  /** Usage is an ornament: where it cannot be had, nothing is shown. */
  async loadUsage(): Promise<void> {
    const usage = await getUsage().catch(() => null)
    if (usage) this.set({ usage })
  }

  /** A file that has just been uploaded. */
  insert(file: FileRecord): void {
    const { query, files } = this.get()
    void this.loadUsage()
    if (query && !file.filename.toLowerCase().includes(query.toLowerCase())) return
    this.set({ files: [file, ...files.filter((f) => f.id !== file.id)] })
  }

  /** Takes the file out of the list; the server is told when the time for undoing is over. */
  remove(file: FileRecord): void {
    if (this.get().deleting.some((f) => f.id === file.id)) return
    this.set({ deleting: [...this.get().deleting, file] })
    clearTimeout(this.#undoTimer)
    this.#undoTimer = setTimeout(() => void this.commitDeletes(), undoSeconds * 1000)
  }

  undo(): void {
    clearTimeout(this.#undoTimer)
    const restored = this.get().deleting
    if (restored.length === 0) return
    // One that was loaded away meanwhile by another search is found again by reloading.
    const missing = restored.some((f) => !this.get().files.some((listed) => listed.id === f.id))
    this.set({ deleting: [] })
    if (missing) void this.load()
  }

  /** `leaving`: the page goes away, and only requests marked so outlive it. */
  async commitDeletes(leaving = false): Promise<void> {
    clearTimeout(this.#undoTimer)
    const { deleting } = this.get()
    if (deleting.length === 0) return
    const gone = new Set(deleting.map((f) => f.id))
    this.set({ deleting: [], files: this.get().files.filter((f) => !gone.has(f.id)) })
    const results = await Promise.allSettled(deleting.map((f) => deleteFile(f.id, leaving)))
    results.forEach((result, i) => {
      if (result.status === 'fulfilled') return
      const error = asApiError(result.reason)
      if (error.status === 404) return // someone else was faster
      const name = displayName(deleting[i]?.filename ?? '')
      this.#toasts.say(`${name} was not deleted. ${error.message}`, 'bad')
      void this.load()
    })
    void this.loadUsage()
  }
}

const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError
    ? error
    : new ApiError(0, 'Unexpected', 'The page failed unexpectedly. Reload it.', null, error)
