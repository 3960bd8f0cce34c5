/** Values that a JSON schema allows, and values next to them that it does not. */
import * as fc from 'fast-check'
import { z } from 'zod'

type JsonSchema = {
  type?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  items?: JsonSchema
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  maxLength?: number
}

/** Texts that mean something to a parser, a path, a header or a database. */
const notableTexts = [
  '',
  'a.txt',
  'photo é.png',
  'text/plain',
  'image/png',
  'image/svg+xml',
  '../../etc/passwd',
  'uploads/x',
  '\0',
  '\ud800',
  '\u202e',
  '%00',
  "'; DROP TABLE files; --",
  '__proto__',
  'x'.repeat(5000),
]
const notableNumbers = [0, -0, -1, 1, 600, 604_800, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308]

const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(...notableTexts, ...notableNumbers, null, true, [], {}),
)

/** Mostly what the schema of a body allows; now and then anything at any place of it. `known`: values worth trying. */
export const fromSchema = (schema: z.ZodType, known: readonly unknown[] = []): fc.Arbitrary<unknown> =>
  build(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, known)

function build(schema: JsonSchema, known: readonly unknown[]): fc.Arbitrary<unknown> {
  const wrong = known.length === 0 ? anything : fc.oneof(anything, fc.constantFrom(...known))
  return fc.oneof({ weight: 12, arbitrary: right(schema, known) }, { weight: 1, arbitrary: wrong })
}

function right(schema: JsonSchema, known: readonly unknown[]): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => build(one, known)))
  switch (schema.type) {
    case 'object':
      return objectOf(schema, known)
    case 'array': {
      const { minItems = 0, maxItems = 20 } = schema
      return fc.array(build(schema.items ?? {}, known), { minLength: minItems, maxLength: Math.min(maxItems, 20) })
    }
    case 'integer':
    case 'number': {
      const { minimum = -(2 ** 53), maximum = 2 ** 53 } = schema
      const within = notableNumbers.filter((n) => n >= minimum && n <= maximum && Number.isInteger(n))
      const usual = fc.integer({ min: Math.max(minimum, -10), max: Math.min(maximum, 100_000) })
      return within.length === 0 ? usual : fc.oneof(usual, fc.constantFrom(...within))
    }
    case 'boolean':
      return fc.boolean()
    case 'string': {
      const texts = [...notableTexts, ...known.filter((value) => typeof value === 'string')]
      return fc.oneof(
        fc.constantFrom(...texts.filter((text) => text.length <= (schema.maxLength ?? Infinity))),
        fc.string({ maxLength: Math.min(schema.maxLength ?? 40, 40), unit: 'binary' }),
      )
    }
    default:
      return anything
  }
}

function objectOf(schema: JsonSchema, known: readonly unknown[]): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema
  const fields = Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, build(inner, known)]))
  const base = fc.record(fields, { requiredKeys: required.filter((name) => Object.hasOwn(fields, name)) })
  if (typeof additionalProperties !== 'object') return base
  const extra = fc.dictionary(
    fc.oneof(fc.constantFrom('a', 'album', '__proto__', 'x-internal-a', 'a b', ''), fc.string({ maxLength: 10 })),
    build(additionalProperties, known),
    { maxKeys: 4 },
  )
  return fc.tuple(base, extra).map(([own, more]) => ({ ...more, ...own }))
}
