/** The description of the API (OpenAPI 3.1), put together from the schemas that validate and the routes table. */
import { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponsesObject } from 'zod-openapi'
import type { Route } from '../deps.ts'
import { problemStatus, type ProblemCode } from '../problem.ts'
import { problem } from './answers.ts'
import type { Answer, Operation } from './operation.ts'
import { operations } from './operations.ts'

/** The key of `operations` for a route. */
export const operationKey = ({ method, path }: Pick<Route, 'method' | 'path'>): string => `${method} ${path}`

/** `/files/:id` → `/files/{id}`, `/public/{*key}` → `/public/{key}` */
export const templateOf = (path: string): string => path.replace(/:(\w+)/g, '{$1}').replace('{*', '{')

export type ApiDescription = ReturnType<typeof createDocument>

/** `url` is the API's public base URL; `anonymous`: who sends no credentials is a user too. A route without an operation is left out: a test forbids it. */
export function describeApi(
  routes: readonly Route[],
  o: { url: string; version: string; cookie: string; anonymous: boolean },
): ApiDescription {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  for (const route of routes) {
    const operation = operations[operationKey(route)]
    if (!operation) continue
    const path = (paths[templateOf(route.path)] ??= {})
    path[route.method.toLowerCase()] = operationObject(route, operation, o)
  }
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Postern',
      version: o.version,
      description:
        'Ask for an upload URL, send the bytes straight to it, confirm; later ask for a download URL. The bytes go to the store, not through this API.',
    },
    servers: [{ url: o.url }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        cookie: { type: 'apiKey', in: 'cookie', name: o.cookie },
      },
    },
  })
}

function operationObject(
  route: Route,
  operation: Operation,
  { anonymous }: { anonymous: boolean },
): ZodOpenApiOperationObject {
  const names = [...templateOf(route.path).matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const { query, body } = operation
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    security: route.access !== 'anyone' ? [{ bearer: [] }, { cookie: [] }, ...(anonymous ? [{}] : [])] : [],
    ...(names.length > 0 || query
      ? {
          requestParams: {
            ...(names.length > 0
              ? {
                  path: z.object(Object.fromEntries(names.map((name) => [name, operation.path?.[name] ?? z.string()]))),
                }
              : {}),
            ...(query ? { query } : {}),
          },
        }
      : {}),
    ...(body
      ? { requestBody: { required: needsBody(body), content: { 'application/json': { schema: withNulls(body) } } } }
      : {}),
    responses: { ...answersOf(operation.answers), ...refusalsOf(route, operation) },
  }
}

/** `null` says of a field that need not be there that it is not. */
function withNulls(body: z.ZodObject): z.ZodObject {
  const shape = mapValues(body.shape as Record<string, z.ZodType>, (field) =>
    field.isOptional() ? field.nullable() : field,
  )
  const nullable = body.extend(shape)
  const meta = body.meta()
  return meta ? nullable.meta(meta) : nullable
}

/** What is described of the fields together is which of them must be there. */
const needsBody = (body: z.ZodObject): boolean => !body.safeParse({}).success || body.meta()?.override !== undefined

function answersOf(answers: Record<number, Answer>): ZodOpenApiResponsesObject {
  const entries = Object.entries(answers).map(([status, { description, schema, type, headers }]) => [
    status,
    {
      description,
      ...(headers ? { headers: z.object(mapValues(headers, (text) => z.string().meta({ description: text }))) } : {}),
      ...(schema ? { content: { 'application/json': { schema } } } : {}),
      ...(type === undefined ? {} : { content: { [type]: { schema: z.string() } } }),
    },
  ])
  return Object.fromEntries(entries) as ZodOpenApiResponsesObject
}

/** What any request can be refused for, then what this route's can. */
function refusalsOf(route: Route, operation: Operation): ZodOpenApiResponsesObject {
  const codes = new Set<ProblemCode>(['BadRequest', 'InvalidTarget', 'Internal', 'Unavailable', 'StoreNotOpen'])
  const add = (...more: readonly ProblemCode[]): void => more.forEach((code) => codes.add(code))
  if (route.access !== 'anyone') add('Unauthenticated', 'OriginRefused', 'NoSuchBucket')
  if (route.access === 'admin' || route.access === 'operator') add('AccessDenied')
  if (route.method !== 'GET') add('InsufficientStorage')
  if (route.method === 'POST' || route.method === 'PATCH') {
    add('InvalidRequest', 'InvalidArgument', 'IncompleteBody', 'UnsupportedMediaType', 'EntityTooLarge')
  }
  if (route.issues) add('TooManyRequests')
  if (route.changes) add('MethodNotAllowed')
  add(...(operation.refusals ?? []))
  const byStatus = Map.groupBy(codes, problemStatus)
  const entries = [...byStatus].map(([status, of]) => [
    status,
    { description: of.join(', '), content: { 'application/problem+json': { schema: problem } } },
  ])
  return { ...Object.fromEntries(entries), ...unread } as ZodOpenApiResponsesObject
}

/** What is refused before it is known what was asked for. */
const unread: ZodOpenApiResponsesObject = Object.fromEntries(
  Object.entries({ 408: 'RequestTimeout', 431: 'HeadersTooLarge' }).map(([status, description]) => [
    status,
    { description, content: { 'application/problem+json': { schema: problem } } },
  ]),
)

const mapValues = <T, U>(from: Record<string, T>, to: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, to(value)]))
