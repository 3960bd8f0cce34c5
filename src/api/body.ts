import type { Context, Middleware } from 'koa'
import { StorageError } from '../errors.ts'
import { hasBody } from '../http/server.ts'

/** Bytes. The limit of JSON bodies on routes without long lists. */
const defaultMaxBytes = 256 * 1024
const maxDepth = 32

// Rejects __proto__ anywhere. Compressed bodies are rejected earlier, so no body can expand beyond the limit.
async function parserFor(jsonLimit: number): Promise<Middleware> {
  // Loaded with the first body, because it would take a tenth of the startup time.
  const { koaBody } = await import('koa-body')
  return koaBody({
    json: true,
    jsonTypes: ['application/json'],
    jsonStrict: true,
    jsonLimit,
    urlencoded: false,
    text: false,
    multipart: false,
    patchKoa: true,
  }) as Middleware
}
const parsers = new Map<number, Promise<Middleware>>()

/** The JSON body, `{}` without a body. Errors: UnsupportedMediaType, EntityTooLarge, InvalidRequest. */
export async function readJson(ctx: Context, maxBytes = defaultMaxBytes): Promise<unknown> {
  if (!hasBody(ctx.req)) return {}
  if (!ctx.is('application/json') || !/^(?:identity)?$/i.test(ctx.get('content-encoding'))) {
    throw new StorageError('UnsupportedMediaType', {
      message:
        'The request body must be uncompressed JSON. Send content-type: application/json and no content-encoding.',
    })
  }
  const parse = parsers.get(maxBytes) ?? parserFor(maxBytes)
  parsers.set(maxBytes, parse)
  try {
    await (
      await parse
    )(ctx, async () => {})
  } catch (cause) {
    throw bodyError(cause, maxBytes)
  }
  const body: unknown = (ctx.request as { body?: unknown }).body
  if (depthExceeds(body, maxDepth)) {
    throw new StorageError('InvalidRequest', {
      message: `The JSON body is nested deeper than the limit of ${maxDepth} levels.`,
    })
  }
  return body
}

/** The parser's errors contain the body, so only their type is used. */
function bodyError(cause: unknown, maxBytes: number): StorageError {
  const { status, type } = cause as { status?: number; type?: string }
  if (status === 413) {
    return new StorageError('EntityTooLarge', { message: `The JSON body is over the limit of ${maxBytes / 1024} KB.` })
  }
  if (type === 'request.aborted' || type === 'request.size.invalid') {
    return new StorageError('IncompleteBody', { message: 'The request ended before its body was complete.' })
  }
  return new StorageError('InvalidRequest', {
    message: 'The request body is not valid JSON.',
  })
}

function depthExceeds(value: unknown, limit: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return false
}
