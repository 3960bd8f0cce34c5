import type { Api } from './api.ts'
import type { Semaphore } from './semaphore.ts'
import type { Job, Session, Timeouts } from './job.ts'
import { Monitor } from './monitor.ts'
import { uploadInParts } from './multipart.ts'
import * as records from './resume-records.ts'
import { withRetries } from './retry.ts'
import { uploadSingle } from './single.ts'
import { fileChanged, Source } from './source.ts'
import type { FileRecord, ResumeRecord, UploadOptions, UploadTask } from './types.ts'
import { aborted, UploadError } from './upload-error.ts'

/** Bytes. Larger files are sent in parts. */
export const multipartAbove = 16 * 1024 * 1024

export interface TaskDeps {
  api: Api
  /** Limits the number of files uploaded at once. */
  slots: Semaphore
  timeouts: Timeouts
}

type Outcome = { promise: Promise<FileRecord>; resolve(record: FileRecord): void; reject(error: UploadError): void }

function outcome(): Outcome {
  const parts = {} as Outcome
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }))
  // Callers that only read snapshots need not handle the rejection.
  parts.promise.catch(() => undefined)
  return parts
}

let lastId = 0

export class Task implements UploadTask {
  readonly id = `upload-${++lastId}`
  readonly getSnapshot: Monitor['getSnapshot']
  readonly subscribe: Monitor['subscribe']
  readonly #deps: TaskDeps
  readonly #options: UploadOptions
  readonly #monitor: Monitor
  #source: Source | null = null
  #session: Session = {}
  #outcome = outcome()
  #stop = new AbortController()
  /** Settles once no request of the upload is in flight. */
  #ended: Promise<void> = Promise.resolve()

  constructor(deps: TaskDeps, what: { file: File | Blob } | { record: ResumeRecord }, options: UploadOptions) {
    this.#deps = deps
    this.#options = options
    if ('file' in what) this.#source = new Source(what.file, options)
    else records.take((this.#session.record = what.record))
    const { filename, size } = 'record' in what ? what.record : { filename: this.#source!.name, size: what.file.size }
    this.#monitor = new Monitor({ filename, size, state: this.#source ? 'queued' : 'needs-file' })
    this.getSnapshot = this.#monitor.getSnapshot
    this.subscribe = this.#monitor.subscribe
    const { signal } = options
    signal?.addEventListener('abort', () => this.cancel(), { once: true })
    if (this.#source) this.#start()
    if (signal?.aborted) this.cancel()
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a task can be awaited
  then<A = FileRecord, B = never>(
    onDone?: ((record: FileRecord) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#outcome.promise.then(onDone, onError)
  }

  pause(): void {
    if (this.#isOver() || this.#monitor.state === 'paused' || this.#monitor.state === 'needs-file') return
    this.#monitor.set({ state: 'paused' })
    this.#stop.abort(aborted())
  }

  resume(file?: File): void {
    if (this.#monitor.state === 'paused') this.#start()
    else if (this.#monitor.state === 'needs-file' && file) void this.#accept(file, this.#session.record!)
  }

  retry(): void {
    if (this.#monitor.state !== 'error') return
    this.#outcome = outcome()
    this.#start()
  }

  cancel(): void {
    if (this.#isOver() && this.#monitor.state !== 'error') return
    this.#monitor.set({ state: 'canceled', error: null })
    this.#stop.abort(aborted())
    this.#outcome.reject(aborted())
    this.#ended = this.#ended.then(() => this.#discard())
  }

  #isOver = (): boolean => ['success', 'error', 'canceled'].includes(this.#monitor.state)

  /** Resumes with the file if it matches the record. Otherwise the task keeps waiting for a file. */
  async #accept(file: File, record: ResumeRecord): Promise<void> {
    const source = new Source(file, this.#options)
    try {
      const isSame = source.size === record.size && (await source.check()) === record.fingerprint
      if (!isSame) throw new UploadError('file-changed', `This is not the original ${record.filename}.`)
    } catch (error) {
      return this.#monitor.set({ error: error instanceof UploadError ? error : fileChanged(error) })
    }
    if (this.#monitor.state !== 'needs-file') return
    this.#source = source
    this.#start()
  }

  #start(): void {
    this.#monitor.set({ state: 'queued', error: null })
    const stop = (this.#stop = new AbortController())
    this.#ended = this.#ended.then(() => this.#run(stop.signal))
  }

  async #run(signal: AbortSignal): Promise<void> {
    let leave = (): void => {}
    try {
      leave = await this.#deps.slots.enter(signal)
      const record = await this.#perform(signal)
      if (this.#monitor.state === 'canceled') return
      this.#monitor.set({ state: 'success', record, fileId: record.id })
      this.#outcome.resolve(record)
    } catch (error) {
      // A pause or cancel has already reported its state.
      if (!signal.aborted) this.#fail(error)
    } finally {
      leave()
    }
  }

  async #perform(signal: AbortSignal): Promise<FileRecord> {
    const { api, timeouts } = this.#deps
    const source = this.#source!
    const session = this.#session
    const job: Job = { api, timeouts, source, options: this.#options, monitor: this.#monitor, session, signal }
    return source.size > multipartAbove ? uploadInParts(job) : uploadSingle(job)
  }

  #fail(cause: unknown): void {
    const error =
      cause instanceof UploadError
        ? cause
        : new UploadError('server', 'The upload failed unexpectedly.', { retryable: true, cause })
    this.#monitor.set({ state: 'error', error })
    this.#outcome.reject(error)
    // The server would refuse the same bytes again, so release their reservation.
    if (!error.retryable) this.#ended = this.#ended.then(() => this.#discard())
  }

  async #discard(): Promise<void> {
    const { single, parts, record = parts?.record } = this.#session
    this.#session = {}
    if (record) await records.forget(record)
    const { api, timeouts } = this.#deps
    const id = single?.grant.id ?? parts?.id ?? record?.id
    if (id === undefined) return
    const remove = (): Promise<void> =>
      single
        ? api.remove(id)
        : api.abortParts(id).catch((error: unknown) => {
            // Already complete. Delete the file, because it is not wanted.
            if (error instanceof UploadError && error.status === 409) return api.remove(id)
            throw error
          })
    const { signal } = new AbortController()
    await withRetries(remove, { signal, offlineTimeout: timeouts.offline, report: () => {} }).catch(() => undefined)
  }
}
