/** What an upload looks like from outside: an immutable snapshot, replaced at most ten times a second. */
import { Meter } from './meter.ts'
import type { Progress, UploadSnapshot, UploadState } from './types.ts'

type Phase = 'idle' | 'signing' | 'sending' | 'answer' | 'retrying' | 'offline'

/** One of the requests at work. */
export interface Lane {
  phase(phase: Phase): void
  loaded(bytes: number): void
  /** Its bytes are in the store. */
  done(bytes: number): void
  close(): void
}

const emitEvery = 100

export class Monitor {
  #snapshot: UploadSnapshot
  readonly #listeners = new Set<() => void>()
  readonly #lanes = new Set<{ phase: Phase; loaded: number }>()
  #meter: Meter
  #stored = 0
  #part: { done: number; total: number } | undefined
  #attempt = 1
  #timer: ReturnType<typeof setTimeout> | undefined
  #drawnAt = -Infinity

  constructor(o: { filename: string; size: number; state: UploadState }) {
    this.#meter = new Meter(o.size)
    this.#snapshot = { ...o, progress: this.#progress(), fileId: null, error: null, record: null }
  }

  getSnapshot = (): UploadSnapshot => this.#snapshot

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  get state(): UploadState {
    return this.#snapshot.state
  }

  /** A change of state is told at once. */
  set(change: Partial<Omit<UploadSnapshot, 'progress'>>): void {
    const progress = this.#progress()
    if (change.state === 'success') Object.assign(progress, { percent: 100, loaded: progress.total, etaSeconds: 0 })
    this.#emit({ ...this.#snapshot, ...change, progress })
  }

  /** What the store has already; what is sent from here on makes the speed. */
  stored(bytes: number, part?: { done: number; total: number }): void {
    this.#stored = bytes
    this.#part = part
    this.#meter.restart(bytes, performance.now())
    this.#draw()
  }

  restart(): void {
    this.#meter.clear()
    this.stored(0)
  }

  /** Waits, or goes on, where no bytes are at work. */
  waits(what: 'retrying' | 'offline' | 'attempting', otherwise: UploadState): void {
    if (what === 'retrying') this.#attempt++
    this.set({ state: what === 'attempting' ? otherwise : what })
  }

  lane(): Lane {
    const lane = { phase: 'idle' as Phase, loaded: 0 }
    this.#lanes.add(lane)
    return {
      phase: (phase) => {
        if (phase === 'retrying') this.#attempt++
        if (phase !== 'answer') lane.loaded = 0
        lane.phase = phase
        this.#settle()
      },
      loaded: (bytes) => {
        lane.loaded = bytes
        this.#draw()
      },
      done: (bytes) => {
        this.#stored += bytes
        lane.loaded = 0
        lane.phase = 'idle'
        if (this.#part) this.#part = { ...this.#part, done: this.#part.done + 1 }
        this.#draw()
      },
      close: () => void this.#lanes.delete(lane),
    }
  }

  #sent(): number {
    let bytes = this.#stored
    for (const { loaded } of this.#lanes) bytes += loaded
    return bytes
  }

  /** The state that the requests at work add up to. */
  #settle(): void {
    const phases = new Set([...this.#lanes].map(({ phase }) => phase))
    const atEnd = this.#sent() >= this.#meter.total
    const state = (['sending', 'answer', 'signing', 'retrying', 'offline'] as const).find((phase) => phases.has(phase))
    if (!state) return
    const named = state === 'sending' ? 'uploading' : state === 'answer' ? (atEnd ? 'finalizing' : 'uploading') : state
    if (named !== this.state) this.set({ state: named })
    else this.#draw()
  }

  #progress(): Progress {
    const now = performance.now()
    this.#meter.add(this.#sent(), now)
    return { ...this.#meter.read(now), attempt: this.#attempt, ...(this.#part ? { part: this.#part } : {}) }
  }

  #draw(): void {
    const now = performance.now()
    this.#meter.add(this.#sent(), now)
    const left = this.#drawnAt + emitEvery - now
    if (left <= 0) this.set({})
    else this.#timer ??= setTimeout(() => this.set({}), left)
  }

  #emit(snapshot: UploadSnapshot): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#drawnAt = performance.now()
    this.#snapshot = snapshot
    for (const listener of this.#listeners) listener()
  }
}
