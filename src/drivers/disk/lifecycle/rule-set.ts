/** The enabled lifecycle rules of a bucket, found by the prefix of a key. */
import type { LifecycleRule } from '../../lifecycle.ts'
import { compareText } from '../text-order.ts'

export class RuleSet {
  readonly #byPrefix = new Map<string, LifecycleRule[]>()
  readonly #lengths: readonly number[]
  /** Every key that a rule applies to begins with exactly one of these. */
  readonly prefixes: readonly string[]
  /** The largest number of noncurrent versions that a rule keeps. */
  readonly keep: number

  constructor(rules: readonly LifecycleRule[]) {
    for (const rule of rules) {
      const { prefix = '' } = rule.filter
      const others = this.#byPrefix.get(prefix)
      if (others) others.push(rule)
      else this.#byPrefix.set(prefix, [rule])
    }
    const all = [...this.#byPrefix.keys()]
    this.#lengths = [...new Set(all.map(({ length }) => length))]
    const outermost: string[] = []
    for (const prefix of all.toSorted(compareText)) {
      const last = outermost.at(-1)
      if (last === undefined || !prefix.startsWith(last)) outermost.push(prefix)
    }
    this.prefixes = outermost
    this.keep = rules.reduce((most, { noncurrent }) => Math.max(most, noncurrent?.keep ?? 0), 0)
  }

  some(key: string, isDue: (rule: LifecycleRule) => boolean): boolean {
    return this.#lengths.some(
      (length) => length <= key.length && this.#byPrefix.get(key.slice(0, length))?.some(isDue) === true,
    )
  }
}

/** `current`: rules for objects. `versions`: rules for noncurrent versions and delete markers. */
export type BucketRules = Record<'current' | 'versions' | 'uploads', RuleSet>

export function bucketRules(all: readonly LifecycleRule[]): BucketRules {
  const enabled = all.filter(({ isEnabled }) => isEnabled)
  return {
    current: new RuleSet(enabled.filter(({ expiration: e }) => e?.days !== undefined || e?.date !== undefined)),
    versions: new RuleSet(enabled.filter(({ noncurrent, expiration }) => noncurrent ?? expiration)),
    uploads: new RuleSet(enabled.filter(({ abortUploadsAfter }) => abortUploadsAfter !== undefined)),
  }
}
