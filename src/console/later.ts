import { Store } from './store.ts'

/** Seconds during which an action can be undone. */
export const undoSeconds = 8

/** `at` is the time the last item was added, in ms of the page's clock. */
type Waiting<T> = { waiting: readonly T[]; at: number }

type Doing<T> = {
  /** Hides the items in the list that shows them. */
  drop: (items: readonly T[]) => void
  /** `leaving`: the page is closing, so requests must be sent with `keepalive`. */
  carryOut: (items: readonly T[], leaving: boolean) => Promise<void>
}

/** Delays a deletion so that the user can undo it. Carries it out when the undo period ends. */
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

  /** Returns the number of restored items. */
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
