/** Builds the OpenAPI 3.1 document from the validating schemas and the route table. */
import { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponsesObject } from 'zod-openapi'
import type { Route } from '../deps.ts'
import { problemStatus } from '../problem-json.ts'
import { problem } from './answers.ts'
import type { Answer, Operation } from './operation.ts'
import { operations } from './operations.ts'
import type { ProblemCode } from '../refusal-advice.ts'

/** The key of `operations` for a route. */
export const operationKey = ({ method, path }: Pick<Route, 'method' | 'path'>): string => `${method} ${path}`

/** `/files/:id` → `/files/{id}`, `/public/{*key}` → `/public/{key}` */
export const templateOf = (path: string): string => path.replace(/:(\w+)/g, '{$1}').replace('{*', '{')

export type ApiDescription = ReturnType<typeof createDocument>

/**
 * `url` is the API's public base URL. `anonymous` says whether requests without credentials have a user. Routes
 * without an operation are left out, which a test forbids.
 */
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
        'Request an upload URL, send the bytes to it, then confirm. Later, request a download URL. The bytes go to the store and do not pass through this API.',
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

/** Adds `null` to optional fields, where it means the same as leaving the field out. */
function withNulls(body: z.ZodObject): z.ZodObject {
  const shape = mapValues(body.shape as Record<string, z.ZodType>, (field) =>
    field.isOptional() ? field.nullable() : field,
  )
  const nullable = body.extend(shape)
  const meta = body.meta()
  return meta ? nullable.meta(meta) : nullable
}

/** An override on the object states which of its fields are required. */
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

/** The errors of every request, then those of this route. */
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
  return { ...Object.fromEntries(entries), ...beforeRouting } as ZodOpenApiResponsesObject
}

/** Errors that occur before the route is known. */
const beforeRouting: ZodOpenApiResponsesObject = Object.fromEntries(
  Object.entries({ 408: 'RequestTimeout', 431: 'HeadersTooLarge' }).map(([status, description]) => [
    status,
    { description, content: { 'application/problem+json': { schema: problem } } },
  ]),
)

const mapValues = <T, U>(from: Record<string, T>, to: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, to(value)]))
