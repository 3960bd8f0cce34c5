/**
 * Counts that workers add up through the primary. Each worker decides at once from what it knows, because a
 * connection cannot wait. Counts of other workers arrive after twice `gatherFor` plus two messages. A limit is
 * exceeded only by what arrives within that time. Dividing the limit by the number of workers would be less exact,
 * because the system does not distribute connections evenly.
 */
import { Counts, type SharedCounts } from '../drivers/peers.ts'
import type { Changed } from './messages.ts'

/** Milliseconds for which changes are collected into one message. What opens and closes meanwhile is never sent. */
const gatherFor = 20

export class WorkerCounts {
  readonly #own = new Counts()
  readonly #others = new Counts()
  readonly #sent = new Counts()
  readonly #changed = new Set<string>()
  readonly #send: (changed: Changed) => void
  #isDue = false

  constructor(send: (changed: Changed) => void) {
    this.#send = send
  }

  named(name: string): SharedCounts {
    return {
      get: (key) => this.#own.get(`${name} ${key}`) + this.#others.get(`${name} ${key}`),
      add: (key, by) => this.#add(`${name} ${key}`, by),
    }
  }

  receive(changed: Changed): void {
    for (const [key, count] of changed) this.#others.set(key, count)
  }

  #add(key: string, by: number): void {
    this.#own.add(key, by)
    this.#changed.add(key)
    if (this.#isDue) return
    this.#isDue = true
    setTimeout(() => this.#flush(), gatherFor).unref()
  }

  #flush(): void {
    this.#isDue = false
    const changed: Changed = []
    for (const key of this.#changed) {
      const count = this.#own.get(key)
      if (count === this.#sent.get(key)) continue
      this.#sent.set(key, count)
      changed.push([key, count])
    }
    this.#changed.clear()
    if (changed.length > 0) this.#send(changed)
  }
}

/** In the primary. The counts of a worker that exits are removed. */
export class CountsOfAll<W extends object> {
  readonly #of = new Map<W, Counts>()
  readonly #sums = new Counts()
  readonly #joined = new Set<W>()
  /** Workers whose last messages may arrive after their exit. */
  readonly #gone = new WeakSet<W>()
  /** The worker that changed a key alone, or null for several. */
  readonly #changed = new Map<string, W | null>()
  readonly #send: (worker: W, changed: Changed) => void
  #isDue = false

  constructor(send: (worker: W, changed: Changed) => void) {
    this.#send = send
  }

  /** A worker may count before it joins. After that it receives the others' counts. */
  join(worker: W): void {
    this.#joined.add(worker)
    const changed = [...this.#sums.entries()].map(([key]) => this.#othersOf(worker, key))
    if (changed.length > 0) this.#send(worker, changed)
  }

  leave(worker: W): void {
    this.#joined.delete(worker)
    this.#gone.add(worker)
    const counts = this.#of.get(worker)
    this.#of.delete(worker)
    for (const [key, count] of counts?.entries() ?? []) this.#move(worker, key, -count)
  }

  take(worker: W, changed: Changed): void {
    if (this.#gone.has(worker)) return
    const counts = this.#of.get(worker) ?? new Counts()
    this.#of.set(worker, counts)
    for (const [key, count] of changed) {
      this.#move(worker, key, count - counts.get(key))
      counts.set(key, count)
    }
  }

  #othersOf(worker: W, key: string): [string, number] {
    return [key, this.#sums.get(key) - (this.#of.get(worker)?.get(key) ?? 0)]
  }

  #move(worker: W, key: string, by: number): void {
    this.#sums.add(key, by)
    const before = this.#changed.get(key)
    this.#changed.set(key, before === undefined || before === worker ? worker : null)
    if (this.#isDue) return
    this.#isDue = true
    setTimeout(() => this.#flush(), gatherFor).unref()
  }

  #flush(): void {
    this.#isDue = false
    for (const worker of this.#joined) {
      const changed = [...this.#changed].filter(([, by]) => by !== worker).map(([key]) => this.#othersOf(worker, key))
      if (changed.length > 0) this.#send(worker, changed)
    }
    this.#changed.clear()
  }
}
