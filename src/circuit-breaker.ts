/**
 * Stops asking a server that does not answer. A call that is refused at once holds no connection and no memory, while
 * one that waits holds both until it times out, and others pile up behind it. Only silence counts: a refused connection
 * fails at once by itself, and an error is an answer.
 */
import { StorageError } from './errors.ts'

type Options = {
  /** How sentences call the server. */
  name: string
  /** Calls in a row without an answer after which it opens. */
  threshold?: number
  /** Milliseconds between two calls that are let through while it is open; doubled up to `most`. */
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

  /** Errors: Unavailable while it is open, but for one call in each pause. */
  admit(): void {
    if (!this.isOpen) return
    const wait = this.#nextTry - performance.now()
    if (wait <= 0) {
      this.#nextTry = performance.now() + this.#current
      return
    }
    throw new StorageError('Unavailable', {
      message: `${this.#name} has not answered the last ${this.#silent} calls; calls are refused until it answers`,
      retryAfter: Math.ceil(wait / 1000),
    })
  }

  /** To be told of each call: anything that came back counts. */
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
