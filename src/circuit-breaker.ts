/**
 * Stops calls to a server that does not answer. A call that waits for a timeout holds a connection and memory, and further
 * calls queue behind it. Only timeouts count. A refused connection fails at once anyway, and an error is an answer.
 */
import { StorageError } from './errors.ts'

type Options = {
  /** The name of the server in messages. */
  name: string
  /** Consecutive calls without an answer until the circuit opens. */
  threshold?: number
  /** Milliseconds between two attempts while the circuit is open. Doubles up to `most`. */
  pause?: { first: number; most: number }
}

export class CircuitBreaker {
  readonly #name: string
  readonly #threshold: number
  readonly #pause: { first: number; most: number }
  #silent = 0
  #current: number
  #nextTry = -Infinity

  constructor(o: Options) {
    this.#name = o.name
    this.#threshold = o.threshold ?? 3
    this.#pause = o.pause ?? { first: 1000, most: 5000 }
    this.#current = this.#pause.first
  }

  get isOpen(): boolean {
    return this.#silent >= this.#threshold
  }

  /** Errors: Unavailable while the circuit is open. Admits one call per pause. */
  admit(): void {
    if (!this.isOpen) return
    const wait = this.#nextTry - performance.now()
    if (wait <= 0) {
      this.#nextTry = performance.now() + this.#current
      return
    }
    throw new StorageError('Unavailable', {
      message: `${this.#name} has not answered the last ${this.#silent} calls. Calls are refused until it answers`,
      retryAfter: Math.ceil(wait / 1000),
    })
  }

  /** Call it after each response, including errors. */
  answered(): void {
    this.#silent = 0
    this.#current = this.#pause.first
  }

  wasSilent(): void {
    const wasOpen = this.isOpen
    this.#silent++
    if (!this.isOpen) return
    if (wasOpen) this.#current = Math.min(this.#current * 2, this.#pause.most)
    this.#nextTry = performance.now() + this.#current
  }
}
