/**
 * The primary forwards questions from one worker to all others and returns their answers. It also adds up their
 * counts.
 */
import type { Worker } from 'node:cluster'
import type { FromPrimary, FromWorker } from './messages.ts'
import { CountsOfAll } from './shared-counts.ts'

/** Milliseconds for every worker to answer. */
const patience = 5000

/** The primary's own answers to workers' questions, as JSON values. */
export type Answers = Readonly<Record<string, () => unknown>>

type Open = { asker: Worker; askerId: number; waiting: Set<Worker>; values: unknown[]; timer: NodeJS.Timeout }

export class Relay {
  readonly #workers = new Set<Worker>()
  readonly #open = new Map<number, Open>()
  readonly #counts = new CountsOfAll<Worker>((worker, changed) => send(worker, { postern: 'counts', changed }))
  readonly #answers: Answers
  #lastId = 0

  constructor(answers: Answers = {}) {
    this.#answers = answers
  }

  /** Includes the worker in questions and counts. */
  add(worker: Worker): void {
    this.#workers.add(worker)
    this.#counts.join(worker)
  }

  /** A worker that exited is not waited for. */
  remove(worker: Worker): void {
    this.#workers.delete(worker)
    this.#counts.leave(worker)
    for (const [id, open] of this.#open) {
      open.waiting.delete(worker)
      this.#settleIfDone(id, open)
    }
  }

  take(from: Worker, message: FromWorker): void {
    if (message.postern === 'ask') this.#ask(from, message)
    else if (message.postern === 'answer') this.#answer(from, message)
    else if (message.postern === 'counts') this.#counts.take(from, message.changed)
  }

  #ask(asker: Worker, { id: askerId, question, about }: FromWorker & { postern: 'ask' }): void {
    const id = ++this.#lastId
    const waiting = new Set([...this.#workers].filter((worker) => worker !== asker))
    const timer = setTimeout(() => this.#settle(id, null), patience)
    const own = Object.hasOwn(this.#answers, question) ? [this.#answers[question]!()] : []
    const open = { asker, askerId, waiting, values: own, timer }
    this.#open.set(id, open)
    for (const worker of waiting) send(worker, { postern: 'question', id, question, about })
    this.#settleIfDone(id, open)
  }

  #answer(from: Worker, { id, value, isAnswered }: FromWorker & { postern: 'answer' }): void {
    const open = this.#open.get(id)
    if (!open?.waiting.delete(from)) return
    if (isAnswered) open.values.push(value)
    this.#settleIfDone(id, open)
  }

  #settleIfDone(id: number, open: Open): void {
    if (open.waiting.size === 0) this.#settle(id, open.values)
  }

  #settle(id: number, values: unknown[] | null): void {
    const open = this.#open.get(id)
    if (!open) return
    this.#open.delete(id)
    clearTimeout(open.timer)
    send(open.asker, { postern: 'answers', id: open.askerId, values })
  }
}

export function send(worker: Worker, message: FromPrimary): void {
  // A worker that is exiting is handled by its exit event.
  if (worker.isConnected()) worker.send(message, undefined, () => {})
}
