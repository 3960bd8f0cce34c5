/** Runs sweeps in the background, one at a time. A failure is logged, and the next round retries. */
import type { DiskLog } from './log.ts'
import type { Sweeper } from './sweep.ts'

/** Milliseconds. The search for orphans reads every folder of the store, so it runs rarely. */
const garbageEvery = 30_000
const everythingEvery = 6 * 3_600_000
const lifecycleEvery = 3_600_000

export class SweepSchedule {
  readonly #sweeper: Sweeper
  readonly #log: DiskLog
  readonly #timers: NodeJS.Timeout[] = []
  #running: Promise<unknown> = Promise.resolve()

  constructor(sweeper: Sweeper, log: DiskLog) {
    this.#sweeper = sweeper
    this.#log = log
  }

  start(): void {
    for (const [run, interval] of [
      [() => this.#sweeper.garbage(), garbageEvery],
      [() => this.#sweeper.all(), everythingEvery],
      [() => this.#sweeper.lifecycle(), lifecycleEvery],
    ] as const)
      this.#timers.push(setInterval(() => void this.inBackground(run), interval).unref())
  }

  /** Runs after the sweep that is running now. */
  run<T>(sweep: () => Promise<T>): Promise<T> {
    const result = this.#running.then(sweep)
    this.#running = result.catch(() => {})
    return result
  }

  async inBackground(sweep: () => Promise<unknown>): Promise<void> {
    try {
      await this.run(sweep)
    } catch (err) {
      this.#log.warn({ err }, 'a sweep of the store failed')
    }
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#sweeper.stop()
    await this.#running
  }
}
