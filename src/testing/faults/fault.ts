/** Faults in the JavaScript API of the test kit. */
import type { TestMode } from '../test-mode.ts'
import type { PresetName } from './presets.ts'
import type { Match, Rule, RuleInput } from './rule.ts'

/** A preset by name, or a rule. */
export type FaultInput = PresetName | RuleInput

/** Requests that a fault is limited to, e.g. `{ key: 'a.bin' }`. */
export type Narrowed = Partial<Match>

export type Fault = AsyncDisposable & {
  readonly rules: readonly Rule[]
  /** Requests that were changed so far. */
  hits(): number
  /** Throws an Error if no request was changed. */
  expectHit(): void
  remove(): void
}

/** Errors: InvalidArgument. */
export function addFault({ faults }: Pick<TestMode, 'faults'>, rule: FaultInput, narrowed: Narrowed): Fault {
  const rules =
    typeof rule === 'string'
      ? faults.addPreset(rule, { match: narrowed })
      : [faults.add({ ...rule, match: { ...rule.match, ...narrowed } })]
  const remove = (): void => {
    for (const { id } of rules) if (faults.get(id) !== null && rules.includes(faults.get(id)!)) faults.remove(id)
  }
  const hits = (): number => rules.reduce((sum, { hit }) => sum + hit, 0)
  return {
    rules,
    hits,
    expectHit() {
      if (hits() > 0) return
      const seen = rules.map(({ id, seen: matched }) => `${id}: ${matched} matching requests`).join(', ')
      throw new Error(
        `The fault changed no request (${seen}). Check its match and when, and that the request was sent.`,
      )
    },
    remove,
    [Symbol.asyncDispose]: async () => remove(),
  }
}
