/**
 * The fault rules of a gateway in test mode. The first rule that fires decides about a request. Random choices depend
 * only on the seed, the rule, the operation, the key and the number of the request for that key, so that they do not
 * change when requests run in parallel.
 */
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { StorageError } from '../../errors.ts'
import type { InterceptedRequest } from '../../http/intercept.ts'
import { knownCodes } from './error-forms.ts'
import { isPreset, presetNames, presets } from './presets.ts'
import { parseRule } from './rule-schema.ts'
import type { Match, Rule, RuleInput } from './rule.ts'

type Facts = InterceptedRequest & { accessKey: string | null; attempt: number }

type State = {
  rule: Rule
  createdAt: number
  /** Per counted key: times in milliseconds of the allowed requests. */
  allowed: Map<string, number[]>
  /** Connections that the rule concerns. */
  connections: WeakSet<Socket>
  /** Per bucket: when the operation of `when.after` succeeded. */
  since: Map<string, number>
}

export class FaultRules {
  readonly seed: number
  readonly #now: () => number
  #states: State[] = []
  #attempts = new Map<string, number>()
  #lastId = 0

  /** `now` in milliseconds, of the clock that the gateway shows. */
  constructor(o: { seed: number; now: () => number }) {
    this.seed = o.seed
    this.#now = o.now
  }

  list(): Rule[] {
    return this.#states.map(({ rule }) => rule)
  }

  get(id: string): Rule | null {
    return this.#states.find(({ rule }) => rule.id === id)?.rule ?? null
  }

  /** Adds a rule behind the others. A rule of the same id is replaced. Errors: InvalidArgument. */
  add(input: unknown): Rule {
    const parsed = parseRule(input)
    if ('problem' in parsed) throw new StorageError('InvalidArgument', { message: parsed.problem })
    const { error } = parsed.rule.effect
    if (error && error.status === undefined && !knownCodes.includes(error.code)) {
      throw new StorageError('InvalidArgument', {
        message: `The code ${error.code} has no known status. Add effect.error.status, or use one of: ${knownCodes.join(', ')}.`,
      })
    }
    const rule: Rule = { ...parsed.rule, id: parsed.rule.id ?? this.#freeId(), seen: 0, hit: 0 }
    const state = {
      rule,
      createdAt: this.#now(),
      allowed: new Map<string, number[]>(),
      connections: new WeakSet<Socket>(),
      since: new Map<string, number>(),
    }
    const at = this.#states.findIndex((other) => other.rule.id === rule.id)
    if (at === -1) this.#states.push(state)
    else this.#states[at] = state
    return rule
  }

  /** Adds the rules of a preset, narrowed by `match` and `when`. Errors: InvalidArgument. */
  addPreset(name: string, narrowed: Pick<RuleInput, 'match' | 'when'> = {}): Rule[] {
    if (!isPreset(name)) {
      throw new StorageError('InvalidArgument', {
        message: `There is no fault preset "${name}". The presets are: ${presetNames.join(', ')}.`,
      })
    }
    return presets[name].rules.map((rule: RuleInput) => {
      const id = this.get(name) === null ? name : this.#freeId(name)
      return this.add({
        ...rule,
        id,
        match: { ...rule.match, ...narrowed.match },
        when: { ...rule.when, ...narrowed.when },
      })
    })
  }

  remove(id: string): boolean {
    const before = this.#states.length
    this.#states = this.#states.filter(({ rule }) => rule.id !== id)
    return this.#states.length < before
  }

  /** Removes the rules that apply to `accessKey` only, or every rule. Counts start over. */
  clear(accessKey?: string): void {
    this.#states = accessKey === undefined ? [] : this.#states.filter(({ rule }) => rule.match.accessKey !== accessKey)
    if (accessKey === undefined) this.#attempts.clear()
  }

  /** The rule that fires for a request, or null. Counts the request for every rule that it matches. */
  decide(request: InterceptedRequest): Rule | null {
    if (this.#states.length === 0) return null
    const { api, operation, bucket, key } = request
    const subject = JSON.stringify([api, operation, bucket, key])
    const attempt = (this.#attempts.get(subject) ?? 0) + 1
    this.#attempts.set(subject, attempt)
    const facts: Facts = { ...request, accessKey: accessKeyOf(request), attempt }
    let fired: Rule | null = null
    for (const state of this.#states) {
      if (!matches(state.rule.match, facts)) continue
      state.rule.seen++
      if (fired !== null || !this.#fires(state, facts)) continue
      state.rule.hit++
      fired = state.rule
    }
    return fired
  }

  /** Tells the rules that a request succeeded, for those that apply for a time after it. */
  succeeded({ operation, bucket }: InterceptedRequest): void {
    for (const { rule, since } of this.#states) {
      const { after } = rule.when
      if (after && bucket !== null && [after.operation].flat().includes(operation)) since.set(bucket, this.#now())
    }
  }

  /** Milliseconds by which the objects endpoint's clock differs while a rule with `skew` exists. */
  skew(): number {
    const by = this.#states.find(({ rule }) => rule.effect.skew)?.rule.effect.skew
    return by ? by.by * 1000 * (by.behind ? -1 : 1) : 0
  }

  #fires(state: State, facts: Facts): boolean {
    const { rule } = state
    const { skip = 0, times, probability, rate, after, per } = rule.when
    if (rule.when.for !== undefined && this.#now() - state.createdAt > rule.when.for * 1000) return false
    if (per === 'connection' && state.connections.has(facts.req.socket)) return true
    if (rule.seen <= skip) return false
    if (times !== undefined && rule.hit >= times) return false
    if (after && !this.#isShortlyAfter(state, facts, after.for)) return false
    if (rate && !this.#isOverRate(state, facts, rate)) return false
    if (probability !== undefined && this.#chance(rule.id, facts) >= probability) return false
    if (per === 'connection') state.connections.add(facts.req.socket)
    return true
  }

  #isShortlyAfter({ since }: State, { bucket }: Facts, seconds: number): boolean {
    const at = bucket === null ? undefined : since.get(bucket)
    return at !== undefined && this.#now() - at <= seconds * 1000
  }

  #isOverRate({ allowed }: State, facts: Facts, { limit, per, by }: NonNullable<Rule['when']['rate']>): boolean {
    const subject = by === 'server' ? '' : by === 'key' ? `${facts.bucket}/${facts.key}` : String(facts[by])
    const now = this.#now()
    const recent = (allowed.get(subject) ?? []).filter((at) => now - at < per * 1000)
    if (recent.length >= limit) return true
    allowed.set(subject, [...recent, now])
    return false
  }

  /** A number from 0 to below 1. */
  #chance(id: string, { operation, bucket, key, attempt }: Facts): number {
    const text = JSON.stringify([this.seed, id, operation, bucket, key, attempt])
    return createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32
  }

  #freeId(name = 'rule'): string {
    for (;;) {
      const id = `${name}-${++this.#lastId}`
      if (this.get(id) === null) return id
    }
  }
}

/** The access key that a request names, without a check of its signature. */
function accessKeyOf({ req, query }: InterceptedRequest): string | null {
  const { authorization = '' } = req.headers
  const named =
    /Credential=([^/,\s]+)\//.exec(authorization)?.[1] ??
    /^AWS ([^:\s]+):/.exec(authorization)?.[1] ??
    query.get('X-Amz-Credential')?.split('/', 1)[0] ??
    query.get('AWSAccessKeyId')
  return named ?? null
}

function matches(match: Match, facts: Facts): boolean {
  const { req, query } = facts
  const isOneOf = (wanted: string | string[] | undefined, given: string): boolean =>
    wanted === undefined || [wanted].flat().includes(given)
  return (
    (match.api === undefined || match.api === facts.api) &&
    isOneOf(match.operation, facts.operation) &&
    isOneOf(match.method, req.method ?? '') &&
    fits(match.bucket, facts.bucket) &&
    fits(match.key, facts.key) &&
    (match.presigned === undefined || match.presigned === (query.has('X-Amz-Signature') || query.has('Signature'))) &&
    (match.part === undefined || String(match.part) === query.get('partNumber')) &&
    (match.attempt === undefined || match.attempt === facts.attempt) &&
    (match.accessKey === undefined || match.accessKey === facts.accessKey) &&
    Object.entries(match.header ?? {}).every(([name, value]) => fits(value, headerOf(req.headers[name.toLowerCase()])))
  )
}

const headerOf = (value: string | string[] | undefined): string | null =>
  value === undefined ? null : Array.isArray(value) ? value.join(', ') : value

/** `*` is any run of characters without a slash, `**` any run. */
function fits(pattern: string | undefined, value: string | null): boolean {
  if (pattern === undefined) return true
  if (value === null) return false
  const parts = pattern.split(/(\*\*?)/).map((part) => {
    if (part === '**') return '.*'
    return part === '*' ? '[^/]*' : part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  })
  return new RegExp(`^${parts.join('')}$`, 's').test(value)
}
