/** So many at a time; the others wait in the order in which they came. */
export class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#free = places
  }

  /** Resolves to how to leave, which may be called once. Rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#turn(signal)
    return () => this.#leave()
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve)
      signal.addEventListener('abort', () => {
        const place = this.#waiting.indexOf(resolve)
        // Whoever has had its turn leaves by itself.
        if (place >= 0) this.#waiting.splice(place, 1)
        reject(signal.reason)
      })
    })
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free++
  }
}

/** Browsers open 6 connections to a host over HTTP/1.1: two are left to the page. */
export const maxSockets = 4
/** One for all clients of the page. */
export const sockets = new Gate(maxSockets)
