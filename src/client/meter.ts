/** Measures bytes sent, speed and time left. */
const windowMs = 5000
const enoughMs = 300

export class Meter {
  readonly total: number
  #loaded = 0
  #samples: { at: number; bytes: number }[] = []

  constructor(total: number) {
    this.total = total
  }

  /** `bytes` is the total at time `at` (ms). Bytes that a retry sends again do not lower it. */
  add(bytes: number, at: number): void {
    // Some network stacks count request headers as sent bytes.
    this.#loaded = Math.max(this.#loaded, Math.min(bytes, this.total))
    const samples = this.#samples
    samples.push({ at, bytes: this.#loaded })
    while (samples.length > 2 && at - samples[0]!.at > windowMs) samples.shift()
  }

  /** Bytes that are already stored, and pauses, do not count towards the speed. */
  restart(bytes: number, at: number): void {
    this.#samples = []
    this.add(bytes, at)
  }

  /** Starts at zero for a file that is sent again. */
  clear(): void {
    this.#loaded = 0
  }

  read(at: number): {
    loaded: number
    total: number
    percent: number
    bytesPerSecond: number
    etaSeconds: number | null
  } {
    const { total } = this
    const loaded = this.#loaded
    const first = this.#samples[0]
    const ms = first ? at - first.at : 0
    const bytesPerSecond = ms < enoughMs ? 0 : ((loaded - first!.bytes) * 1000) / ms
    const percent = total === 0 ? 0 : Math.min(99, Math.floor((loaded / total) * 100))
    const etaSeconds = bytesPerSecond ? (total - loaded) / bytesPerSecond : null
    return { loaded, total, percent, bytesPerSecond, etaSeconds }
  }
}
