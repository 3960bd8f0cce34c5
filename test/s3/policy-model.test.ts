/** The evaluation of bucket policies against a plain model, which implements each rule of AWS's description again. */
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Principal } from '../../src/s3/context.ts'
import { createConditionKeys, type ConditionKeys } from '../../src/s3/policy/condition-keys.ts'
import { evaluate } from '../../src/s3/policy/evaluate.ts'
import { matchesGlob } from '../../src/s3/policy/glob.ts'
import { parsePolicy } from '../../src/s3/policy/parse-policy.ts'

const owners = ['alice', 'bob', 'carol']
const actions = ['s3:GetObject', 's3:PutObject', 's3:ListBucket', 's3:GetObjectTagging'] as const
const keys = ['a', 'a/b', 'a/bc', 'b']

type Statement = {
  Effect: 'Allow' | 'Deny'
  Principal: '*' | { AWS: string[] }
  Action?: string[]
  NotAction?: string[]
  Resource: string[]
  Condition?: Record<string, Record<string, string[]>>
}

const oneOrMore = <T>(items: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...items], { minLength: 1 })
const actionGlobs = oneOrMore(['s3:*', 's3:Get*', 's3:getobject', 's3:PutObject', 's3:?istBucket', 's3:GetObject'])
const resources = oneOrMore(['', '/*', '/a/*', '/a', '/?', '/a/b?'].map((end) => `arn:aws:s3:::bucket${end}`))
const condition = fc.oneof(
  fc.record({ StringEquals: fc.record({ 's3:prefix': oneOrMore(['a', 'b']) }) }),
  fc.record({ StringNotLike: fc.record({ 's3:prefix': oneOrMore(['a*', 'b']) }) }),
  fc.record({ StringLikeIfExists: fc.record({ 's3:prefix': oneOrMore(['a*', '?']) }) }),
  fc.record({ Null: fc.record({ 's3:prefix': fc.constantFrom(['true'], ['false']) }) }),
  fc.record({ 'ForAllValues:StringEquals': fc.record({ 's3:RequestObjectTagKeys': oneOrMore(['a', 'b']) }) }),
  fc.record({ 'ForAnyValue:StringEquals': fc.record({ 's3:RequestObjectTagKeys': oneOrMore(['a', 'b']) }) }),
  fc.record({ Null: fc.record({ 's3:RequestObjectTagKeys': fc.constantFrom(['true'], ['false']) }) }),
)
const statement: fc.Arbitrary<Statement> = fc
  .record({
    Effect: fc.constantFrom('Allow' as const, 'Deny' as const),
    Principal: fc.oneof(fc.constant('*' as const), fc.record({ AWS: oneOrMore(owners) })),
    actions: actionGlobs,
    isNot: fc.boolean(),
    Resource: resources,
    Condition: fc.option(condition, { nil: undefined }),
  })
  .map(({ actions: globs, isNot, Condition, ...rest }) => ({
    ...rest,
    ...(isNot ? { NotAction: globs } : { Action: globs }),
    ...(Condition && { Condition: Condition as Record<string, Record<string, string[]>> }),
  }))

const request = fc.record({
  owner: fc.constantFrom(null, ...owners),
  action: fc.constantFrom(...actions),
  key: fc.constantFrom(undefined, ...keys),
  prefix: fc.constantFrom(undefined, 'a', 'ab', 'b', ''),
  tags: fc.subarray(['a', 'b', 'c']),
})
type Request = typeof request extends fc.Arbitrary<infer R> ? R : never

/** As the endpoint has them. */
const conditionKeys = createConditionKeys({ now: () => new Date() })
const keysOf = (principal: Principal, { action, prefix, tags }: Request): ConditionKeys =>
  conditionKeys(
    {
      principal,
      verified: null,
      headers: new Map(),
      query: new Map(prefix === undefined ? [] : [['prefix', prefix]]),
      req: new IncomingMessage(new Socket()),
    },
    action,
    { requested: Object.fromEntries(tags.map((name) => [name, 'x'])) },
  )

/** With a regular expression, unlike the code under test. */
const glob = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[\\^$+.()|[\]{}/-]/g, '\\$&')
      .replaceAll('*', '[^]*')
      .replaceAll('?', '[^]')}$`,
  ).test(text)

/** A list has a prefix, a write has tags, and other requests have neither, whatever they send. */
const valuesOf = ({ action, prefix, tags }: Request, key: string): string[] | undefined => {
  if (key === 's3:prefix') return action === 's3:ListBucket' && prefix ? [prefix] : undefined
  return action === 's3:PutObject' && tags.length > 0 ? tags : undefined
}

function modelApplies(one: Statement, asked: Request): boolean {
  const { owner, action, key } = asked
  if (one.Principal !== '*' && (owner === null || !one.Principal.AWS.includes(owner))) return false
  const isAction = (globs: string[]): boolean => globs.some((each) => glob(each.toLowerCase(), action.toLowerCase()))
  if (one.Action && !isAction(one.Action)) return false
  if (one.NotAction && isAction(one.NotAction)) return false
  const resource = `arn:aws:s3:::bucket${key === undefined ? '' : `/${key}`}`
  if (!one.Resource.some((each) => glob(each, resource))) return false
  for (const [operator, tested] of Object.entries(one.Condition ?? {})) {
    const [[name, values]] = Object.entries(tested) as [[string, string[]]]
    const actual = valuesOf(asked, name)
    const isLike = (value: string): boolean => values.some((each) => glob(each, value))
    if (operator === 'Null' && (actual === undefined) !== (values[0] === 'true')) return false
    if (operator === 'StringEquals' && (actual === undefined || !values.includes(actual[0]!))) return false
    if (operator === 'StringNotLike' && actual !== undefined && isLike(actual[0]!)) return false
    if (operator === 'StringLikeIfExists' && actual !== undefined && !isLike(actual[0]!)) return false
    if (operator.startsWith('ForAllValues') && actual?.every((value) => values.includes(value)) === false) return false
    if (operator.startsWith('ForAnyValue') && actual?.some((value) => values.includes(value)) !== true) return false
  }
  return true
}

function model(statements: Statement[], asked: Request): string {
  let verdict = 'none'
  for (const one of statements) {
    if (!modelApplies(one, asked)) continue
    if (one.Effect === 'Deny') return 'deny'
    verdict = 'allow'
  }
  return verdict
}

describe('the evaluation of a policy', () => {
  it('agrees with a plain model', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 4 }), request, (statements, asked) => {
        const principal: Principal =
          asked.owner === null ? { kind: 'anonymous' } : { kind: 'key', owner: asked.owner, gateway: false }
        const verdict = evaluate(parsePolicy(JSON.stringify({ Statement: statements }), 'bucket'), {
          principal,
          action: asked.action,
          bucket: 'bucket',
          ...(asked.key !== undefined && { key: asked.key }),
          keys: keysOf(principal, asked),
        })
        seen.add(verdict)
        expect(verdict).toBe(model(statements, asked))
      }),
      { numRuns: 5000 },
    )
    expect([...seen].toSorted()).toEqual(['allow', 'deny', 'none'])
  })

  it('never allows the gateway’s own key by a name', () => {
    const policy = parsePolicy(
      JSON.stringify({
        Statement: {
          Effect: 'Allow',
          Principal: { AWS: 'postern' },
          Action: 's3:*',
          Resource: 'arn:aws:s3:::bucket/*',
        },
      }),
      'bucket',
    )
    const principal: Principal = { kind: 'key', owner: 'postern', gateway: true }
    const asked = { principal, action: 's3:GetObject', bucket: 'bucket', key: 'k', keys: () => undefined }
    expect(evaluate(policy, asked)).toBe('none')
  })

  it('matches patterns like a regular expression, in linear time', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '?') })
    fc.assert(
      fc.property(text, text, (pattern, value) => {
        expect(matchesGlob(pattern, value)).toBe(glob(pattern, value))
      }),
      { numRuns: 5000 },
    )
    expect(matchesGlob('*a'.repeat(200), 'a'.repeat(1000) + 'b')).toBe(false)
  })

  it('finds segments that are longer than a word of bits, with and without ?', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 60, maxLength: 200 })
    const holes = fc.array(fc.nat(39), { maxLength: 8 })
    const seen = new Set<boolean>()
    fc.assert(
      fc.property(text, fc.nat(20), holes, fc.boolean(), (value, at, places, isSpoiled) => {
        const segment = value.slice(at, at + 40).split('')
        for (const place of places) segment[place] = '?'
        if (isSpoiled) segment[20] = segment[20] === 'a' ? 'b' : 'a'
        const pattern = `*${segment.join('')}*b*`
        seen.add(glob(pattern, value))
        expect(matchesGlob(pattern, value)).toBe(glob(pattern, value))
      }),
      { numRuns: 2000 },
    )
    expect([...seen].toSorted()).toEqual([false, true])
  })

  it('needs no more than a few passes over a text for any pattern', () => {
    const long = 'a'.repeat(30_000)
    for (const segment of ['a'.repeat(10_000), 'a?'.repeat(5000)]) {
      for (let round = 0; round < 40; round++) expect(matchesGlob(`*${segment}b*`, long)).toBe(false)
    }
  })
})
