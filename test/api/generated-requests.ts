/** Generates requests that match an operation's description, and slightly invalid ones. */
import * as fc from 'fast-check'
import type { Operation } from './described.ts'

export type Generated = { method: string; target: string; body: string | undefined; signedIn: boolean }

type Schema = {
  type?: string
  enum?: string[]
  const?: unknown
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  additionalProperties?: Schema | boolean
  minimum?: number
  maximum?: number
  maxItems?: number
}

/** Nine of ten fields as described, the tenth anything. */
export function requestOf(operation: Operation): fc.Arbitrary<Generated> {
  const inPath = operation.parameters.filter((parameter) => parameter.in === 'path')
  const inQuery = operation.parameters.filter((parameter) => parameter.in === 'query')
  const segment = fc.oneof(fc.uuid(), fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/), fc.constant('1'))
  return fc
    .record({
      path: fc.tuple(...inPath.map(() => segment)),
      query: fc.tuple(...inQuery.map(({ schema }) => fc.option(mostly(schema as Schema), { nil: undefined }))),
      body: operation.body === null ? fc.constant(undefined) : bodyOf(operation.body as Schema),
      signedIn: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    })
    .map(({ path, query, body, signedIn }) => {
      const filled = path.reduce<string>((target, value) => target.replace(/\{\w+\}/, value), operation.path)
      const search = new URLSearchParams()
      inQuery.forEach(({ name }, at) => {
        if (query[at] !== undefined) search.set(name, textOf(query[at]))
      })
      const suffix = search.size > 0 ? `?${search}` : ''
      return { method: operation.method, target: filled + suffix, body, signedIn }
    })
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

const bodyOf = (schema: Schema): fc.Arbitrary<string | undefined> =>
  fc.oneof(
    { weight: 9, arbitrary: valueOf(schema).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, '', '[]', '{', 'null', '{"__proto__":{}}') },
  )

const mostly = (schema: Schema): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 9, arbitrary: valueOf(schema) }, { weight: 1, arbitrary: fc.jsonValue() })

function valueOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.anyOf && !schema.properties) return fc.oneof(...schema.anyOf.map(valueOf))
  if (schema.enum) return fc.constantFrom(...schema.enum)
  switch (schema.type) {
    case 'string':
      return fc.oneof(fc.constantFrom('photo.jpg', 'text/plain', 'image/png', ''), fc.string({ unit: 'grapheme' }))
    case 'integer':
    case 'number':
      return fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: -1 }), fc.maxSafeInteger())
    case 'boolean':
      return fc.boolean()
    case 'array':
      return fc.array(mostly(schema.items ?? {}), { maxLength: 5 })
    case 'object':
      return objectOf(schema)
    default:
      return fc.jsonValue()
  }
}

function objectOf({ properties, required = [], additionalProperties }: Schema): fc.Arbitrary<unknown> {
  if (!properties) {
    const values = typeof additionalProperties === 'object' ? additionalProperties : {}
    return fc.dictionary(fc.string({ maxLength: 8 }), mostly(values), { maxKeys: 3 })
  }
  const fields = Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, mostly(of)]))
  return fc.record(fields, { requiredKeys: required.filter((name) => Object.hasOwn(fields, name)) })
}
