/** The policy of a form upload: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html */
import { parseStrictJson, type Json } from './strict-json.ts'
import { SignatureError } from './types.ts'

export type FieldCondition = {
  kind: 'eq' | 'starts-with'
  /** In lower case. */
  field: string
  value: string
  /** The condition's text in the policy, quoted in errors. */
  text: string
}
export type RangeCondition = {
  kind: 'content-length-range'
  /** NaN if the policy's text is not a number. Such a condition never holds. */
  min: number
  max: number
  text: string
}
export type PolicyCondition = FieldCondition | RangeCondition

export type PolicyDocument = { expiration: Date; conditions: PolicyCondition[] }

/** Bytes. Far above any legitimate policy. A form must be parsed before its signature can be checked. */
const maxPolicyLength = 64 * 1024

/** Parses the base64 of a policy strictly. Throws InvalidPolicyDocument. */
export function parsePolicyDocument(base64: string): PolicyDocument {
  const document = decodeDocument(base64)
  if (!(document instanceof Map)) throw invalid('a policy is an object')
  for (const name of document.keys()) {
    if (name !== 'expiration' && name !== 'conditions') throw invalid(`unexpected: '${name}'`)
  }
  const conditions = document.get('conditions')
  if (!document.has('expiration')) throw invalid('Policy missing expiration.')
  if (!Array.isArray(conditions)) throw invalid('Policy missing conditions.')
  return { expiration: parseExpiration(document.get('expiration')), conditions: conditions.map(parseCondition) }
}

const invalid = (what: string): SignatureError => new SignatureError('InvalidPolicyDocument', `Invalid Policy: ${what}`)

function decodeDocument(base64: string): Json {
  if (base64.length > maxPolicyLength) throw invalid('too long')
  const bytes = Buffer.from(base64, 'base64')
  if (base64 === '' || bytes.toString('base64') !== base64) throw invalid('not base64')
  try {
    return parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw invalid(cause instanceof SyntaxError ? `Invalid JSON, ${cause.message}.` : 'not UTF-8.')
  }
}

function parseExpiration(value: Json | undefined): Date {
  const match = typeof value === 'string' && /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z$/.exec(value)
  const date = new Date(match ? match[0] : Number.NaN)
  // An invalid day rolls over or yields no date.
  if (!match || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(match[1]!)) {
    throw invalid("Invalid 'expiration' value.")
  }
  return date
}

function parseCondition(condition: Json): PolicyCondition {
  const text = toText(condition)
  if (condition instanceof Map) {
    const [entry, ...more] = condition
    if (!entry || more.length > 0) throw invalid('Simple-Conditions must have exactly one property specified.')
    const [field, value] = entry
    if (typeof value !== 'string') throw invalid(`value of '${field}' must be a string.`)
    return { kind: 'eq', field: field.toLowerCase(), value, text: toText(['eq', `$${field}`, value]) }
  }
  if (!Array.isArray(condition)) throw invalid('a condition is an object or a list.')
  const [operator, first, second] = condition
  const kind = typeof operator === 'string' ? operator.toLowerCase() : ''
  if (kind !== 'eq' && kind !== 'starts-with' && kind !== 'content-length-range') {
    throw invalid('unknown condition operation.')
  }
  if (condition.length !== 3) throw invalid(`${kind} takes exactly two arguments.`)
  if (kind === 'content-length-range') return { kind, min: parseBound(first), max: parseBound(second), text }
  if (typeof first !== 'string' || typeof second !== 'string')
    throw invalid(`the arguments of ${kind} must be strings.`)
  // A name without `$` matches no field, so the condition always fails.
  return { kind, field: first.startsWith('$') ? first.slice(1).toLowerCase() : '', value: second, text }
}

function parseBound(value: Json | undefined): number {
  if (typeof value === 'string') return /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalid('content-length-range needs two non-negative numbers.')
}

const toText = (value: Json): string =>
  JSON.stringify(value, (_, part: unknown) => (part instanceof Map ? Object.fromEntries(part) : part))
