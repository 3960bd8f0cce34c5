/**
 * Checks whether a history is linearizable: whether each operation can take effect at one moment between its start and
 * its end, so that the operations in this order give the recorded responses. The search is that of Wing and Gong
 * ("Testing and Verifying Concurrent Objects", 1993), with Lowe's cache of configurations ("Testing for
 * linearizability", 2017).
 */
import type { Operation } from './history.ts'

export interface Model<S, A> {
  readonly initial: S
  /**
   * The state after the action. Undefined: it cannot have had this outcome in this state. With `isKnown: false` the answer is
   * not known, and undefined says that carrying it out now would change nothing.
   */
  apply(state: S, action: A, isKnown: boolean): S | undefined
  /** Changes no state, whatever it is. */
  isRead(action: A): boolean
  /** Equal for equal states. */
  id(state: S): string
}

export type Verdict<S, A> =
  | { kind: 'linearizable' }
  /** `undecided`: the search was given up. */
  | { kind: 'not linearizable' | 'undecided'; furthest: Furthest<S, A> }

/** The longest order that was found, the state after it, and what can come next by time and by no answer. */
export type Furthest<S, A> = { order: Operation<A>[]; state: S; blocked: Operation<A>[] }

/** A moment of the search: what was taken last, and what is to be tried next. `byEnd` and `byBegin` are where the first operation stands that was not taken. */
type Step<S, A> = { state: S; taken: Operation<A>[]; next: Operation<A>[]; byEnd: number; byBegin: number }
type Answered<A> = Operation<A> & { ended: number }

export function checkHistory<S, A>(
  model: Model<S, A>,
  history: readonly Operation<A>[],
  o: { maxSteps?: number } = {},
): Verdict<S, A> {
  const maxSteps = o.maxSteps ?? 1_000_000
  // A read without an answer says nothing.
  const operations = history.filter(({ action, ended }) => ended !== null || !model.isRead(action))
  const byBegin = operations.filter(isAnswered).toSorted((a, b) => a.began - b.began)
  const byEnd = byBegin.toSorted((a, b) => a.ended - b.ended)
  const unanswered = operations.filter(({ ended }) => ended === null).toSorted((a, b) => a.began - b.began)
  const numbers = new Map(operations.map((operation, i) => [operation, 1n << BigInt(i)]))
  const done = new Set<Operation<A>>()
  let answeredDone = 0
  let bits = 0n
  const flip = (operation: Operation<A>): void => {
    bits ^= numbers.get(operation)!
    const isUndone = done.delete(operation)
    if (!isUndone) done.add(operation)
    if (operation.ended !== null) answeredDone += isUndone ? -1 : 1
  }
  const skipDone = (list: readonly Operation<A>[], from: number): number => {
    let i = from
    while (i < list.length && done.has(list[i]!)) i++
    return i
  }

  /** What can come next by time: it began before the first of the others ended. */
  function candidates(at: Pick<Step<S, A>, 'byEnd' | 'byBegin'>): {
    answered: Answered<A>[]
    unanswered: Operation<A>[]
  } {
    const bound = byEnd[at.byEnd]?.ended ?? Infinity
    const answered: Answered<A>[] = []
    for (let i = at.byBegin; i < byBegin.length && byBegin[i]!.began < bound; i++) {
      if (!done.has(byBegin[i]!)) answered.push(byBegin[i]!)
    }
    return { answered, unanswered: unanswered.filter((operation) => operation.began < bound && !done.has(operation)) }
  }

  /** Reads that fit now are taken at once: taken later they would tell the same. The rest is to be tried in turn. */
  function enter(state: S, first: Operation<A>[], from: { byEnd: number; byBegin: number }): Step<S, A> {
    const step: Step<S, A> = { ...from, state, taken: [...first], next: [] }
    for (;;) {
      step.byEnd = skipDone(byEnd, step.byEnd)
      step.byBegin = skipDone(byBegin, step.byBegin)
      const { answered, unanswered: unknown } = candidates(step)
      const reads = answered.filter(
        ({ action }) => model.isRead(action) && model.apply(state, action, true) !== undefined,
      )
      if (reads.length === 0) {
        const changes = answered.filter(({ action }) => !model.isRead(action))
        // Tried from the end: what was answered first, and last of all what nobody was told of.
        step.next = [...unknown.toReversed(), ...changes.toSorted((a, b) => b.ended - a.ended)]
        return step
      }
      for (const read of reads) flip(read)
      step.taken.push(...reads)
    }
  }

  const seen = new Set<string>()
  const path: Step<S, A>[] = []
  let furthest: Furthest<S, A> & { answered: number } = { order: [], state: model.initial, blocked: [], answered: -1 }
  let step = enter(model.initial, [], { byEnd: 0, byBegin: 0 })
  path.push(step)
  for (let steps = 0; ; steps++) {
    if (answeredDone === byEnd.length) return { kind: 'linearizable' }
    if (answeredDone > furthest.answered) {
      const { answered } = candidates(step)
      furthest = {
        order: path.flatMap(({ taken }) => taken),
        state: step.state,
        blocked: answered,
        answered: answeredDone,
      }
    }
    if (steps === maxSteps) return { kind: 'undecided', furthest }
    const deeper = descend(step)
    if (deeper) {
      path.push((step = deeper))
      continue
    }
    for (const taken of path.pop()!.taken) flip(taken)
    const above = path.at(-1)
    if (above === undefined) return { kind: 'not linearizable', furthest }
    step = above
  }

  /** The next operation to be tried after this step, taken; null where none is left. */
  function descend(above: Step<S, A>): Step<S, A> | null {
    for (let operation = above.next.pop(); operation !== undefined; operation = above.next.pop()) {
      const state = model.apply(above.state, operation.action, operation.ended !== null)
      if (state === undefined) continue
      flip(operation)
      const configuration = `${bits.toString(36)} ${model.id(state)}`
      if (!seen.has(configuration)) {
        seen.add(configuration)
        return enter(state, [operation], above)
      }
      flip(operation)
    }
    return null
  }
}

const isAnswered = <A>(operation: Operation<A>): operation is Answered<A> => operation.ended !== null
