/** The public state of an upload: an immutable snapshot, replaced at most ten times a second. */
import { Meter } from './meter.ts'
import type { UploadError } from './upload-error.ts'
import type { PartPhase as Phase, PartProgress, Progress, UploadSnapshot, UploadState } from './types.ts'

/** The fixed part of `PartProgress`. `stored` is a growing set. */
type Parts = Pick<PartProgress, 'total' | 'size' | 'stored'>

/** One request slot. */
export interface Lane {
  /** The part that this slot sends next. */
  part(number: number): void
  phase(phase: Phase, why?: UploadError): void
  loaded(bytes: number): void
  /** Its bytes are stored. */
  done(bytes: number): void
  close(): void
}

const emitEvery = 100

export class Monitor {
  #snapshot: UploadSnapshot
  readonly #listeners = new Set<() => void>()
  readonly #lanes = new Set<{ phase: Phase; loaded: number; part: number }>()
  #meter: Meter
  #stored = 0
  #parts: Parts | undefined
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

  /** State changes are reported at once. */
  set(change: Partial<Omit<UploadSnapshot, 'progress'>>): void {
    const progress = this.#progress()
    if (change.state === 'success') Object.assign(progress, { percent: 100, loaded: progress.total, etaSeconds: 0 })
    this.#emit({ ...this.#snapshot, ...change, progress })
  }

  /** Bytes that are already stored. They do not count towards the speed. */
  stored(bytes: number, parts?: Parts): void {
    this.#stored = bytes
    this.#parts = parts
    this.#meter.restart(bytes, performance.now())
    this.#draw()
  }

  restart(): void {
    this.#meter.clear()
    this.stored(0)
  }

  /** Reports waiting or resuming while no request is sending. */
  waits(what: 'retrying' | 'offline' | 'attempting', otherwise: UploadState, why?: UploadError): void {
    if (what === 'retrying') this.#attempt++
    this.set({ state: what === 'attempting' ? otherwise : what, why })
  }

  lane(): Lane {
    const lane = { phase: 'idle' as Phase, loaded: 0, part: 0 }
    this.#lanes.add(lane)
    return {
      part: (number) => void (lane.part = number),
      phase: (phase, why) => {
        if (phase === 'retrying') this.#attempt++
        if (phase !== 'answer') lane.loaded = 0
        lane.phase = phase
        this.#settle(why)
      },
      loaded: (bytes) => {
        lane.loaded = bytes
        this.#draw()
      },
      done: (bytes) => {
        this.#stored += bytes
        lane.loaded = 0
        lane.phase = 'idle'
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

  /** Derives the state from the requests in flight. */
  #settle(why?: UploadError): void {
    const phases = new Set([...this.#lanes].map(({ phase }) => phase))
    const atEnd = this.#sent() >= this.#meter.total
    const state = (['sending', 'answer', 'signing', 'retrying', 'offline'] as const).find((phase) => phases.has(phase))
    if (!state) return
    const named = state === 'sending' ? 'uploading' : state === 'answer' ? (atEnd ? 'finalizing' : 'uploading') : state
    if (named !== this.state) this.set({ state: named, why })
    else this.#draw()
  }

  #progress(): Progress {
    const now = performance.now()
    this.#meter.add(this.#sent(), now)
    const parts = this.#parts
    return {
      ...this.#meter.read(now),
      attempt: this.#attempt,
      ...(parts && {
        part: { ...parts, done: parts.stored.size, sending: Array.from(this.#lanes, (lane) => ({ ...lane })) },
      }),
    }
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
