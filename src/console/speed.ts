/** Bytes per second over the last few seconds; null until there is enough to tell. */
export class Speedometer {
  #samples: { at: number; bytes: number }[] = []
  readonly #window: number

  constructor(windowMs = 4000) {
    this.#window = windowMs
  }

  add(at: number, bytes: number): void {
    this.#samples.push({ at, bytes })
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > this.#window) this.#samples.shift()
  }

  bytesPerSecond(): number | null {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (!first || !last || last.at - first.at < 300) return null
    return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.at - first.at))
  }
}
