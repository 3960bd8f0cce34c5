/** Compares responses of the API with its OpenAPI description. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { call } from './caller.ts'

export type Operation = {
  method: string
  /** `/files/{id}` */
  path: string
  operationId: string
  parameters: { in: 'path' | 'query'; name: string; schema: object }[]
  body: object | null
  /** null where there is none. */
  bodyRequired: boolean | null
  responses: Record<string, { content?: Record<string, { schema: object }>; headers?: object }>
}

type RawOperation = Omit<Operation, 'method' | 'path' | 'body' | 'bodyRequired' | 'parameters'> & {
  parameters?: Operation['parameters']
  security?: object[]
  requestBody?: { required: boolean; content: { 'application/json': { schema: object } } }
}
type Document = {
  openapi: string
  paths: Record<string, Record<string, RawOperation>>
  components: { schemas: Record<string, object> }
}

export type Description = {
  document: Document
  operations: Operation[]
  /** Whether a JSON body is one that the operation takes. */
  accepts(method: string, path: string, body: unknown): boolean
  /** Why the answer is none that the description knows, or null. */
  differs(operation: Operation, answer: { status: number; headers: Headers; text: string }): string | null
}

export async function readDescription(apiUrl: string): Promise<Description> {
  const { text } = await call(`${apiUrl}/openapi.json`)
  const document = JSON.parse(text) as Document
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema({ $id: 'http://api/description', ...document })
  const compiled = new Map<string, ValidateFunction>()

  function validatorAt(pointer: string): ValidateFunction {
    const known = compiled.get(pointer)
    if (known) return known
    const made = ajv.compile({ $ref: `http://api/description#${pointer}` })
    compiled.set(pointer, made)
    return made
  }

  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody, parameters, ...rest }]) => ({
      ...rest,
      method: method.toUpperCase(),
      path,
      parameters: parameters ?? [],
      body: requestBody?.content['application/json'].schema ?? null,
      bodyRequired: requestBody?.required ?? null,
    })),
  )

  return {
    document,
    operations,
    accepts(method, path, body) {
      const pointer = ['paths', path, method.toLowerCase(), 'requestBody', 'content', 'application/json', 'schema']
      return validatorAt(pointer.map((part) => `/${escapePointer(part)}`).join(''))(body)
    },
    differs({ method, path, responses }, { status, headers, text: body }) {
      const described = responses[String(status)]
      if (!described) return `status ${status} is not described: ${body}`
      const type = headers.get('content-type')?.split(';')[0] ?? ''
      if (!described.content) return body === '' ? null : `status ${status} has a body: ${body}`
      if (!Object.hasOwn(described.content, type)) return `content-type ${type} is not described for ${status}`
      if (!type.includes('json')) return null
      const pointer = ['paths', path, method.toLowerCase(), 'responses', String(status), 'content', type, 'schema']
      const validate = validatorAt(pointer.map((part) => `/${escapePointer(part)}`).join(''))
      return validate(JSON.parse(body)) ? null : `${ajv.errorsText(validate.errors)}: ${body}`
    },
  }
}

const escapePointer = (part: string): string => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
