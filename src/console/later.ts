import { Store } from './store.ts'

/** Seconds in which it can still be undone. */
export const undoSeconds = 8

/** `at`, in ms of the page's clock, is when the last of them was added. */
type Waiting<T> = { waiting: readonly T[]; at: number }

type Doing<T> = {
  /** Takes them out of the list in which they are shown. */
  drop: (items: readonly T[]) => void
  /** `leaving`: the page goes away, and only requests marked so outlive it. */
  carryOut: (items: readonly T[], leaving: boolean) => Promise<void>
}

/** What the user has ended and the server has not: it is carried out after a while, or undone. */
export class Later<T extends { id: string }> extends Store<Waiting<T>> {
  readonly #doing: Doing<T>
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(doing: Doing<T>) {
    super({ waiting: [], at: -Infinity })
    this.#doing = doing
  }

  add(item: T): void {
    const { waiting } = this.get()
    if (waiting.some(({ id }) => id === item.id)) return
    this.set({ waiting: [...waiting, item], at: performance.now() })
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.commit(), undoSeconds * 1000)
  }

  /** Returns how many come back. */
  undo(): number {
    clearTimeout(this.#timer)
    const { length } = this.get().waiting
    if (length > 0) this.set({ waiting: [] })
    return length
  }

  async commit(leaving = false): Promise<void> {
    clearTimeout(this.#timer)
    const { waiting } = this.get()
    if (waiting.length === 0) return
    this.#doing.drop(waiting)
    this.set({ waiting: [] })
    await this.#doing.carryOut(waiting, leaving)
  }
}
