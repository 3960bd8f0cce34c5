/** A client that retries without limit until the server is back. */
import type { AcknowledgedChanges } from './acknowledged-changes.ts'
import { send, type Answer, type Request } from './caller.ts'

/** Whether there is a server to talk to. Each start of it is another life. */
export class Gate {
  life = 0
  isOpen = false
  /**
   * The power is gone: no answer counts any more, nor any broken connection. A machine without power answers nothing,
   * whereas this server goes on for some milliseconds, and a kernel whose file system is being shut down lets an fsync
   * succeed that was under way, also where its journal was never written.
   */
  isFaulty = false
  #opening = Promise.withResolvers<void>()

  open(): void {
    this.life++
    this.isOpen = true
    this.isFaulty = false
    this.#opening.resolve()
  }

  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#opening = Promise.withResolvers<void>()
  }

  /** Resolves when it is open, in another life than `after`. */
  async opened(after = -1): Promise<void> {
    while (!this.isOpen || this.life === after) {
      if (this.isOpen) await new Promise((resolve) => setTimeout(resolve, 2))
      else await this.#opening.promise
    }
  }
}

/** The server answered what it must not, or nothing where it must. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** The check behind `/readyz` took too long. On a loaded machine that says nothing, so it is asked again for a minute. */
const isBusy = ({ status, body }: Answer): boolean => status === 503 && body.includes('does not answer')

export type Asked = Answer & { isRepeated: boolean }

export class RetryingClient {
  readonly #gate: Gate
  readonly #acknowledged: AcknowledgedChanges
  /** Requests that a fault cut off. */
  interrupted = 0

  constructor(gate: Gate, acknowledged: AcknowledgedChanges) {
    this.#gate = gate
    this.#acknowledged = acknowledged
  }

  get life(): number {
    return this.#gate.life
  }

  /** Asks until there is an answer of one of the statuses. Throws Violation for any other. */
  async ask(request: Request, statuses: readonly number[], after = -1): Promise<Asked> {
    const giveUpAt = performance.now() + 60_000
    for (let isRepeated = after !== -1; ; isRepeated = true) {
      await this.#gate.opened(after)
      const { life } = this.#gate
      const answer = await this.#attempt(request, life)
      const counts = !this.#gate.isFaulty && this.#gate.life === life
      if (answer && counts && statuses.includes(answer.status)) {
        if (request.method !== 'GET' && answer.status < 300) this.#acknowledged.acknowledged++
        return { ...answer, isRepeated }
      }
      if (answer && counts && isBusy(answer) && performance.now() < giveUpAt) {
        await new Promise((resolve) => setTimeout(resolve, 200))
        continue
      }
      if (answer && counts)
        throw new Violation(
          `${request.method} ${request.url}: ${answer.status} ${answer.body.toString().slice(0, 500)}`,
        )
      this.interrupted++
      after = life
    }
  }

  async #attempt(request: Request, life: number): Promise<Answer | null> {
    try {
      return await send(request)
    } catch (cause) {
      if (this.#isExcused(life)) return null
      throw new Violation(`${request.method} ${request.url}: the connection failed while the server ran`, { cause })
    }
  }

  #isExcused(life: number): boolean {
    return this.#gate.isFaulty || !this.#gate.isOpen || this.#gate.life !== life
  }
}
