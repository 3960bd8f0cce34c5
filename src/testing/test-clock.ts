/** The time that a gateway in test mode shows. It follows the system's clock until a test moves it. */
import { StorageError } from '../errors.ts'
import { parseDuration } from '../config/values.ts'

export type ClockReading = {
  /** ISO 8601. */
  now: string
  frozen: boolean
  /** Seconds by which it is ahead of the system's clock. */
  ahead: number
}

export type ClockStep = { days?: number; hours?: number; minutes?: number; seconds?: number } | string | number

const unitSeconds = { days: 86_400, hours: 3600, minutes: 60, seconds: 1 } as const

export class TestClock {
  #ahead = 0
  #frozenAt: number | null = null

  readonly now = (): Date => new Date(this.#frozenAt ?? Date.now() + this.#ahead)

  get isMoved(): boolean {
    return this.#frozenAt !== null || this.#ahead !== 0
  }

  read(): ClockReading {
    const now = this.now()
    return { now: now.toISOString(), frozen: this.#frozenAt !== null, ahead: (now.getTime() - Date.now()) / 1000 }
  }

  freeze(): void {
    this.#frozenAt ??= this.now().getTime()
  }

  resume(): void {
    if (this.#frozenAt === null) return
    this.#ahead = this.#frozenAt - Date.now()
    this.#frozenAt = null
  }

  /** Errors: InvalidArgument for a time before the current one, because state would lie in the future. */
  set(time: Date | string): void {
    const at = new Date(time).getTime()
    if (Number.isNaN(at)) {
      throw new StorageError('InvalidArgument', {
        message: `"${String(time)}" is no time. Write ISO 8601, for example 2026-01-01T00:00:00Z.`,
      })
    }
    const now = this.now()
    if (at < now.getTime()) {
      throw new StorageError('InvalidArgument', {
        message: `The test clock moves forward only, and it shows ${now.toISOString()}.`,
      })
    }
    this.#moveTo(at)
  }

  /** `by` is a duration (`8d`, seconds as a number) or parts of one. Errors: InvalidArgument. */
  advance(by: ClockStep): void {
    const seconds = typeof by === 'object' ? sum(by) : parseDuration(by)
    if (seconds === null || !(seconds > 0)) {
      throw new StorageError('InvalidArgument', {
        message: 'Advance the clock by a positive duration, for example "8d", 90 (seconds) or { "days": 8 }.',
      })
    }
    this.#moveTo(this.now().getTime() + seconds * 1000)
  }

  /** Starts at a time before anything was stored, which may be in the past. */
  startAt(time: Date | string): void {
    const at = new Date(time).getTime()
    if (Number.isNaN(at)) throw new StorageError('InvalidArgument', { message: `"${String(time)}" is no time.` })
    this.#moveTo(at)
  }

  reset(): void {
    this.#ahead = 0
    this.#frozenAt = null
  }

  #moveTo(at: number): void {
    if (this.#frozenAt === null) this.#ahead = at - Date.now()
    else this.#frozenAt = at
  }
}

function sum(step: Exclude<ClockStep, string | number>): number | null {
  let seconds = 0
  for (const [unit, value] of Object.entries(step)) {
    if (!Object.hasOwn(unitSeconds, unit) || typeof value !== 'number') return null
    seconds += value * unitSeconds[unit as keyof typeof unitSeconds]
  }
  return seconds
}

export type Clock = {
  now(): Date
  freeze(): void
  resume(): void
  /** Moves forward to a time, then runs what became due. */
  set(time: Date | string): Promise<void>
  /** Moves forward by `{ days: 8 }`, `'8d'` or seconds, then runs what became due: expiry, clean-up, webhooks. */
  advance(by: ClockStep): Promise<void>
}

/** `runDue` is read at each call, because the gateway sets it. */
export const clockOf = (mode: { clock: TestClock; runDue: () => Promise<void> }): Clock => ({
  now: mode.clock.now,
  freeze: () => mode.clock.freeze(),
  resume: () => mode.clock.resume(),
  async set(time) {
    mode.clock.set(time)
    await mode.runDue()
  },
  async advance(by) {
    mode.clock.advance(by)
    await mode.runDue()
  },
})
