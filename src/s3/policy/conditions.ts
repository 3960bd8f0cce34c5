/** Condition operators (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html). */
import { BlockList, isIP } from 'node:net'
import { isListKey, type ConditionKeys } from './condition-keys.ts'
import { glob } from './glob.ts'

export type Condition = {
  key: string
  values: readonly string[]
  test: (keys: ConditionKeys) => boolean
  operator: string
}

/** Compiles a value of a policy to a test for a value of a request. null if the policy's value has the wrong type. */
type Compare = (wanted: string) => ((actual: string) => boolean) | null

const text: Record<string, Compare> = {
  equals: (wanted) => (actual) => actual === wanted,
  equalsIgnoreCase: (wanted) => (actual) => actual.toLowerCase() === wanted.toLowerCase(),
  like: glob,
  bool: (wanted) => (/^(true|false)$/i.test(wanted) ? (actual) => actual.toLowerCase() === wanted.toLowerCase() : null),
}

const ordered =
  (parse: (text: string) => number, holds: (actual: number, wanted: number) => boolean): Compare =>
  (wanted) => {
    const limit = parse(wanted)
    return Number.isNaN(limit) ? null : (actual) => holds(parse(actual), limit)
  }

const number = (value: string): number => (/^-?\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN)
const isoDate = /^(\d{4}(?:-\d\d){0,2})(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?$/

/** ISO 8601, or seconds since 1970. A time without a zone is UTC. Four digits are a year. */
function date(value: string): number {
  const [, day, time = '', zone = 'Z'] = isoDate.exec(value) ?? []
  if (day !== undefined) return time === '' ? Date.parse(day) : Date.parse(`${day}${time}${zone}`)
  return /^\d+$/.test(value) ? Number(value) * 1000 : Number.NaN
}

const inRange: Compare = (wanted) => {
  const range = addressRange(wanted)
  if (range === null) return null
  const list = listOf(range)
  return (actual) => isIP(actual) !== 0 && list.check(actual, isIP(actual) === 6 ? 'ipv6' : 'ipv4')
}

export type AddressRange = { address: string; bits: number; family: 4 | 6 }

/** An address, or a range in CIDR form. */
export function addressRange(value: string): AddressRange | null {
  const [address = '', length] = value.split('/')
  const family = isIP(address)
  const most = family === 6 ? 128 : 32
  const bits = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : -1
  return family === 0 || bits < 0 || bits > most ? null : { address, bits, family: family as 4 | 6 }
}

function listOf({ address, bits, family }: AddressRange): BlockList {
  const list = new BlockList()
  list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4')
  return list
}

/** The addresses of IPv4 as IPv6 has them. A range of IPv6 with them in it matches clients that use IPv4. */
const mapped: AddressRange = { address: '::ffff:0:0', bits: 96, family: 6 }

/** At most a /8 of IPv4, also where it is mapped to IPv6, or a /32 of IPv6. */
export function isPartOfInternet(range: AddressRange): boolean {
  const { address, bits, family } = range
  if (family === 4) return bits >= 8
  if (bits > mapped.bits && listOf(mapped).check(address, 'ipv6')) return bits >= mapped.bits + 8
  return bits >= 32 && !listOf(range).check(mapped.address, 'ipv6')
}

const comparisons: Record<string, { compare: Compare; negated?: true }> = {
  StringEquals: { compare: text['equals']! },
  StringNotEquals: { compare: text['equals']!, negated: true },
  StringEqualsIgnoreCase: { compare: text['equalsIgnoreCase']! },
  StringNotEqualsIgnoreCase: { compare: text['equalsIgnoreCase']!, negated: true },
  StringLike: { compare: text['like']! },
  StringNotLike: { compare: text['like']!, negated: true },
  NumericEquals: { compare: ordered(number, (a, b) => a === b) },
  NumericNotEquals: { compare: ordered(number, (a, b) => a === b), negated: true },
  NumericLessThan: { compare: ordered(number, (a, b) => a < b) },
  NumericLessThanEquals: { compare: ordered(number, (a, b) => a <= b) },
  NumericGreaterThan: { compare: ordered(number, (a, b) => a > b) },
  NumericGreaterThanEquals: { compare: ordered(number, (a, b) => a >= b) },
  DateEquals: { compare: ordered(date, (a, b) => a === b) },
  DateNotEquals: { compare: ordered(date, (a, b) => a === b), negated: true },
  DateLessThan: { compare: ordered(date, (a, b) => a < b) },
  DateLessThanEquals: { compare: ordered(date, (a, b) => a <= b) },
  DateGreaterThan: { compare: ordered(date, (a, b) => a > b) },
  DateGreaterThanEquals: { compare: ordered(date, (a, b) => a >= b) },
  Bool: { compare: text['bool']! },
  IpAddress: { compare: inRange },
  NotIpAddress: { compare: inRange, negated: true },
}

/** null if the operator does not exist or a value has the wrong type. */
export function condition(operator: string, key: string, values: readonly string[]): Condition | null {
  const built = (test: Condition['test']): Condition => ({ key, values, test, operator })
  if (operator === 'Null') {
    if (values.length === 0 || values.some((value) => !/^(true|false)$/i.test(value))) return null
    return built((keys) => values.some((value) => (keys(key) === undefined) === (value.toLowerCase() === 'true')))
  }
  const [, set, name = '', ifExists] = /^(ForAllValues:|ForAnyValue:)?(\w+?)(IfExists)?$/.exec(operator) ?? []
  if (!Object.hasOwn(comparisons, name)) return null
  const { compare, negated = false } = comparisons[name]!
  const tests = values.map(compare)
  if (tests.length === 0 || tests.includes(null)) return null
  const fits = (actual: string): boolean => tests.some((test) => test!(actual)) !== negated
  // A list without a prefix matches policies that name the empty prefix.
  const none = isListKey(key) && values.includes('') ? [''] : undefined
  return built((keys) => {
    const actual = keys(key) ?? none
    if (actual === undefined || (actual.length === 0 && set !== undefined)) {
      // An absent key satisfies ForAllValues, `…IfExists`, and negated operators without a set prefix.
      return set === 'ForAllValues:' || ifExists !== undefined || (negated && set === undefined)
    }
    if (set === 'ForAnyValue:') return actual.some(fits)
    return actual.every(fits)
  })
}
