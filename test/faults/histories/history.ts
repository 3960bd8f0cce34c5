/** Requests and responses in the order in which the clients recorded them. */

/** `began` and `ended` are positions in one order of all events. An operation without an end may take effect at any later time, or never. */
export type Operation<A> = { client: number; key: string; action: A; began: number; ended: number | null }

export type Running<A> = {
  /** The answer is known, and with it what the operation did. */
  end(action: A): void
  /** It certainly did nothing: it never reached the server, or was refused. */
  forget(): void
}

export class History<A> {
  #operations = new Set<Operation<A>>()
  #events = 0

  /** An operation whose outcome is unknown until `end`. */
  begin(client: number, key: string, action: A): Running<A> {
    const operation: Operation<A> = { client, key, action, began: this.#events++, ended: null }
    this.#operations.add(operation)
    return {
      end: (known) => {
        operation.action = known
        operation.ended = this.#events++
      },
      forget: () => void this.#operations.delete(operation),
    }
  }

  get length(): number {
    return this.#operations.size
  }

  byKey(): Map<string, Operation<A>[]> {
    return Map.groupBy(this.#operations, ({ key }) => key)
  }
}
