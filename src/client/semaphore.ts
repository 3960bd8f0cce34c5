/** Limits concurrency. Waiting callers enter in order. */
export class Semaphore {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(slots: number) {
    this.#free = slots
  }

  /** Resolves to a function that leaves, which may be called once. Rejects with the signal's reason. */
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
        // If it already entered, the caller leaves.
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

/** Browsers open 6 connections per host over HTTP/1.1. Two are left for the page. */
export const maxSockets = 4
/** Shared by all clients of the page. */
export const sockets = new Semaphore(maxSockets)
