/** The queue of uploads: three at a time, each to be canceled or tried again. The dock shows its state. */
import { deleteFile } from './api.ts'
import type { FileRecord, UploadTicket } from './api.ts'
import { Speedometer } from './speed.ts'
import { Store } from './store.ts'
import { UploadError, uploadFile } from './upload.ts'
import type { UploadStep } from './upload.ts'

export type TransferState = 'waiting' | UploadStep | 'done' | 'failed' | 'canceled'

export type Transfer = {
  id: number
  file: File
  state: TransferState
  /** Bytes that have left; never falls during a try. */
  loaded: number
  bytesPerSecond: number | null
  etaSeconds: number | null
  error: { message: string; retryable: boolean } | null
  /** The server's id, once it knows the upload. */
  fileId: string | null
}

const maxParallel = 3
const drawEvery = 100 // ms: ten times a second is all an eye needs

type Running = { abort: AbortController; speed: Speedometer; drawnAt: number }

export const isActive = (t: Transfer): boolean => !['waiting', 'done', 'failed', 'canceled'].includes(t.state)
export const isSettled = (t: Transfer): boolean => ['done', 'failed', 'canceled'].includes(t.state)

export class Transfers extends Store<{ transfers: Transfer[] }> {
  readonly #running = new Map<number, Running>()
  readonly #tickets = new Map<number, UploadTicket>()
  readonly #onUploaded: (file: FileRecord) => void
  #nextId = 1

  constructor(onUploaded: (file: FileRecord) => void) {
    super({ transfers: [] })
    this.#onUploaded = onUploaded
  }

  add(files: readonly File[]): void {
    const added = files.map((file): Transfer => ({
      id: this.#nextId++,
      file,
      state: 'waiting',
      loaded: 0,
      bytesPerSecond: null,
      etaSeconds: null,
      error: null,
      fileId: null,
    }))
    this.set({ transfers: [...this.get().transfers, ...added] })
    this.#pump()
  }

  cancel(id: number): void {
    const transfer = this.#find(id)
    if (!transfer || isSettled(transfer)) return
    this.#running.get(id)?.abort.abort()
    this.#update(id, { state: 'canceled', bytesPerSecond: null, etaSeconds: null })
    this.#giveBack(id)
    this.#pump()
  }

  retry(id: number): void {
    if (this.#find(id)?.state !== 'failed') return
    this.#update(id, { state: 'waiting', loaded: 0, error: null })
    this.#pump()
  }

  retryAll(): void {
    for (const t of this.get().transfers) if (t.error?.retryable) this.retry(t.id)
  }

  cancelAll(): void {
    // Those that wait first: else each place that becomes free would start one of them.
    for (const t of this.get().transfers.toReversed()) this.cancel(t.id)
  }

  /** Takes what is settled out of the list; a failed upload gives its reservation back. */
  dismiss(ids: ReadonlySet<number>): void {
    const gone = this.get().transfers.filter((t) => ids.has(t.id) && isSettled(t))
    for (const t of gone) if (t.state === 'failed') this.#giveBack(t.id)
    for (const t of gone) this.#tickets.delete(t.id)
    this.set({ transfers: this.get().transfers.filter((t) => !gone.includes(t)) })
  }

  #pump(): void {
    for (const t of this.get().transfers) {
      if (this.#running.size >= maxParallel) return
      if (t.state === 'waiting') void this.#run(t)
    }
  }

  async #run({ id, file }: Transfer): Promise<void> {
    const running: Running = { abort: new AbortController(), speed: new Speedometer(), drawnAt: 0 }
    this.#running.set(id, running)
    const { signal } = running.abort
    try {
      const record = await uploadFile(
        file,
        {
          onStep: (state) => {
            if (state === 'uploading') running.speed.add(performance.now(), 0)
            const settling = state === 'finalizing' || state === 'confirming'
            this.#update(id, settling ? { state, loaded: file.size, etaSeconds: null } : { state })
          },
          onProgress: (loaded) => this.#progress(id, running, loaded, file.size),
          onTicket: (ticket) => {
            this.#tickets.set(id, ticket)
            this.#update(id, { fileId: ticket.id })
          },
        },
        signal,
        this.#tickets.get(id),
      )
      if (!signal.aborted) {
        this.#update(id, { state: 'done', loaded: file.size, etaSeconds: null })
        this.#onUploaded(record)
      }
    } catch (error) {
      if (!signal.aborted) this.#fail(id, error)
    } finally {
      if (this.#running.get(id) === running) this.#running.delete(id)
      this.#pump()
    }
  }

  #fail(id: number, error: unknown): void {
    const failure =
      error instanceof UploadError
        ? { message: error.message, retryable: error.retryable }
        : { message: 'The upload stopped unexpectedly.', retryable: true }
    this.#update(id, { state: 'failed', error: failure, bytesPerSecond: null, etaSeconds: null })
  }

  #progress(id: number, running: Running, loaded: number, total: number): void {
    const now = performance.now()
    running.speed.add(now, loaded)
    if (now - running.drawnAt < drawEvery && loaded < total) return
    running.drawnAt = now
    const bytesPerSecond = running.speed.bytesPerSecond()
    const etaSeconds = bytesPerSecond ? (total - loaded) / bytesPerSecond : null
    // Some stacks count the request's own head as sent: more than the file is not progress.
    this.#update(id, {
      loaded: Math.max(this.#find(id)?.loaded ?? 0, Math.min(loaded, total)),
      bytesPerSecond,
      etaSeconds,
    })
  }

  /** What was reserved for an upload that will not come is free again at once; else the server's collector does it. */
  #giveBack(id: number): void {
    const ticket = this.#tickets.get(id)
    if (!ticket) return
    this.#tickets.delete(id)
    deleteFile(ticket.id).catch(() => undefined)
  }

  #find(id: number): Transfer | undefined {
    return this.get().transfers.find((t) => t.id === id)
  }

  #update(id: number, patch: Partial<Transfer>): void {
    const current = this.#find(id)
    if (!current || (current.state === 'canceled' && patch.state !== 'canceled')) return
    this.set({ transfers: this.get().transfers.map((t) => (t.id === id ? { ...t, ...patch } : t)) })
  }
}

export type TransferTotals = {
  active: number
  waiting: number
  done: number
  failed: number
  canceled: number
  loaded: number
  total: number
  percent: number
  bytesPerSecond: number | null
  etaSeconds: number | null
}

/** Over everything in the dock that was neither canceled nor refused. */
export function totalsOf(transfers: readonly Transfer[]): TransferTotals {
  const count = (state: TransferState): number => transfers.filter((t) => t.state === state).length
  const counted = transfers.filter((t) => t.state !== 'canceled' && t.state !== 'failed')
  const loaded = counted.reduce((sum, t) => sum + t.loaded, 0)
  const total = counted.reduce((sum, t) => sum + t.file.size, 0)
  const sending = transfers.filter((t) => t.state === 'uploading' && t.bytesPerSecond !== null)
  const bytesPerSecond = sending.length ? sending.reduce((sum, t) => sum + (t.bytesPerSecond ?? 0), 0) : null
  const active = transfers.filter(isActive).length
  const settled = count('done') === counted.length
  return {
    active,
    waiting: count('waiting'),
    done: count('done'),
    failed: count('failed'),
    canceled: count('canceled'),
    loaded,
    total,
    percent: settled ? 100 : total === 0 ? 0 : Math.min(99, Math.floor((loaded / total) * 100)),
    bytesPerSecond,
    etaSeconds: bytesPerSecond ? (total - loaded) / bytesPerSecond : null,
  }
}
