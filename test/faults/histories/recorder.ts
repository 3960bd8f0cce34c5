/** Converts a response to an operation with an end, an operation with an unknown outcome, or none. */
import type { Answer, Exchange } from './exchange.ts'
import { History, type Running } from './history.ts'

export type Counts = { answered: number; unknown: number; refused: number }

export class Recorder<A> {
  readonly history = new History<A>()
  readonly counts: Counts = { answered: 0, unknown: 0, refused: 0 }
  /** Answers that no client may ever see, whatever goes wrong. */
  readonly protests: string[] = []

  /** `read` makes of an answer below 500 what was done; null: there is no such answer. */
  settle(running: Running<A>, exchange: Exchange, read: (answer: Answer) => A | 'unknown' | null): void {
    if (exchange === 'refused') {
      this.counts.refused++
      return running.forget()
    }
    // A 5xx says nothing of what was done.
    const action = exchange === 'unanswered' || exchange.status >= 500 ? 'unknown' : read(exchange)
    if (action === null) this.protest(exchange)
    if (action === null || action === 'unknown') return void this.counts.unknown++
    this.counts.answered++
    running.end(action)
  }

  /** Notes an answer that is neither what was expected nor a 5xx. */
  protest(exchange: Exchange): void {
    if (typeof exchange === 'string' || exchange.status >= 500) return
    const { status, headers, body } = exchange
    this.protests.push(`${status} ${headers.etag ?? ''} ${body.toString().slice(0, 500)}`)
  }
}
