import type { Context, Middleware } from 'koa'
import { StorageError } from '../errors.ts'
import { hasBody } from '../http/server.ts'

/** Bytes of a JSON body, on routes that take no long lists. */
const usualBytes = 256 * 1024
const maxDepth = 32

// Refuses __proto__ anywhere, and compressed bodies are refused before: nothing expands beyond the limit.
async function parserFor(jsonLimit: number): Promise<Middleware> {
  // With the first body, not at the start, of which it would be a tenth.
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

/** The JSON of a request, `{}` where it has no body. Errors: UnsupportedMediaType, EntityTooLarge, InvalidRequest. */
export async function readJson(ctx: Context, maxBytes = usualBytes): Promise<unknown> {
  if (!hasBody(ctx.req)) return {}
  if (!ctx.is('application/json') || !/^(?:identity)?$/i.test(ctx.get('content-encoding'))) {
    throw new StorageError('UnsupportedMediaType', {
      message: 'Send the body as plain JSON, with content-type: application/json and no content-encoding.',
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
    throw new StorageError('InvalidRequest', { message: `The JSON is nested deeper than ${maxDepth} levels.` })
  }
  return body
}

/** The parser's errors carry the body: nothing of them but their kind goes on. */
function bodyError(cause: unknown, maxBytes: number): StorageError {
  const { status, type } = cause as { status?: number; type?: string }
  if (status === 413) {
    return new StorageError('EntityTooLarge', { message: `The JSON body may have at most ${maxBytes} bytes.` })
  }
  if (type === 'request.aborted' || type === 'request.size.invalid') {
    return new StorageError('IncompleteBody', { message: 'The request ended before its body was complete.' })
  }
  return new StorageError('InvalidRequest', {
    message: 'The body is no acceptable JSON object: check its syntax, and send no __proto__.',
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
