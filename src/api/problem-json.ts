/** Errors as `application/problem+json` (RFC 9457). The only file of the API that maps errors to status codes. */
import type { Context, Middleware } from 'koa'
import type { Logger } from '../log.ts'
import { StorageError } from '../errors.ts'
import { setAdvice, type DetailsUrl } from '../http/advice.ts'
import { RequestRefused } from '../http/guard.ts'
import { InjectedError, injectedAdvice } from '../http/intercept.ts'
import { isServerFault, type Refusal } from '../http/request-event.ts'
import { adviceFor, type ProblemCode } from './refusal-advice.ts'

type ProblemKind = { status: number; title: string }

const kinds = {
  NotFound: { status: 404, title: 'Not found' },
  NoSuchBucket: { status: 503, title: 'The storage bucket is missing' },
  InvalidBucketState: { status: 409, title: 'Invalid bucket state' },
  NoSuchVersion: { status: 404, title: 'No such version' },
  IsDeleteMarker: { status: 405, title: 'Delete marker' },
  NoSuchUpload: { status: 404, title: 'No such upload' },
  BucketAlreadyExists: { status: 409, title: 'Conflict' },
  BucketAlreadyOwnedByYou: { status: 409, title: 'Conflict' },
  BucketNotEmpty: { status: 409, title: 'Conflict' },
  NoSuchCorsConfiguration: { status: 404, title: 'Not found' },
  NoSuchTagSet: { status: 404, title: 'Not found' },
  InvalidArgument: { status: 400, title: 'Invalid argument' },
  InvalidRequest: { status: 400, title: 'Invalid request' },
  InvalidKey: { status: 400, title: 'Invalid key' },
  InvalidBucketName: { status: 400, title: 'Invalid bucket name' },
  KeyTooLong: { status: 400, title: 'Key too long' },
  MetadataTooLarge: { status: 400, title: 'Metadata too large' },
  InvalidTag: { status: 400, title: 'Invalid tag' },
  InvalidRange: { status: 416, title: 'Range not satisfiable' },
  InvalidPart: { status: 400, title: 'Invalid part' },
  InvalidPartOrder: { status: 400, title: 'Parts out of order' },
  EntityTooLarge: { status: 413, title: 'Too large' },
  EntityTooSmall: { status: 400, title: 'Too small' },
  MissingContentLength: { status: 411, title: 'Length required' },
  IncompleteBody: { status: 400, title: 'Incomplete body' },
  InvalidDigest: { status: 400, title: 'Invalid digest' },
  BadDigest: { status: 400, title: 'Digest does not match' },
  PayloadHashMismatch: { status: 400, title: 'Digest does not match' },
  NotModified: { status: 304, title: 'Not modified' },
  PreconditionFailed: { status: 412, title: 'Precondition failed' },
  ConditionalConflict: { status: 409, title: 'Conflict' },
  AccessDenied: { status: 403, title: 'Forbidden' },
  NotSupported: { status: 422, title: 'Not supported by this store' },
  Unauthenticated: { status: 401, title: 'Not signed in' },
  OriginRefused: { status: 403, title: 'Origin refused' },
  TypeNotAllowed: { status: 415, title: 'Type not allowed' },
  UploadIncomplete: { status: 409, title: 'Upload incomplete' },
  UploadMismatch: { status: 422, title: 'The upload does not match its grant' },
  QuotaExceeded: { status: 403, title: 'Quota exceeded' },
  TooManyRequests: { status: 429, title: 'Too many requests' },
  UnsupportedMediaType: { status: 415, title: 'Unsupported media type' },
  InsufficientStorage: { status: 507, title: 'Insufficient storage' },
  Unavailable: { status: 503, title: 'Unavailable' },
  StoreNotOpen: { status: 503, title: 'The store of this file is not configured' },
  Corrupt: { status: 500, title: 'Internal error' },
  Internal: { status: 500, title: 'Internal error' },
  BadRequest: { status: 400, title: 'Bad request' },
  InvalidTarget: { status: 400, title: 'Bad request target' },
  MethodNotAllowed: { status: 405, title: 'Method not allowed' },
  NotImplemented: { status: 501, title: 'Not implemented' },
  ExpectationFailed: { status: 417, title: 'Expectation failed' },
} as const satisfies Record<ProblemCode, ProblemKind>

/** Used by the OpenAPI document. */
export const problemCodes = Object.keys(kinds) as [ProblemCode, ...ProblemCode[]]
export const problemStatus = (code: ProblemCode): number => kinds[code].status

const defaultRetryAfter = 5

/**
 * Turns everything thrown below it into a problem document. Only the request id middleware is further out. With
 * `detailsUrl`, in development mode, a refusal carries advice.
 */
export function problems(log: Logger, detailsUrl: DetailsUrl | null): Middleware {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      sendProblem(ctx, error, { log, detailsUrl })
    }
  }
}

function sendProblem(ctx: Context, error: unknown, o: { log: Logger; detailsUrl: DetailsUrl | null }): void {
  if (error instanceof InjectedError) return sendInjected(ctx, error)
  const code = codeOf(error)
  const { status, title } = kinds[code]
  const requestId = String(ctx.state['requestId'] ?? '')
  if (isServerFault(status)) o.log.error({ err: error, requestId }, 'request failed')
  const publicMessage = error instanceof StorageError ? error.publicMessage : undefined
  // Internal errors go to the log. The client gets a request id to refer to, unless the error has a public message.
  const hidden = `The server failed to process the request. Request id: ${requestId}.`
  const detail = status >= 500 ? (publicMessage ?? hidden) : messageOf(error, title)
  const details = error instanceof StorageError && (status < 500 || publicMessage !== undefined) ? error.details : {}
  // Read by the request log. See http/request-event.ts.
  const advice = adviceFor(code)
  if (status >= 400) ctx.state['refusal'] = { code, message: detail, advice } satisfies Refusal
  const help = o.detailsUrl === null || status < 400 ? null : `${advice} ${o.detailsUrl(requestId)}`
  setHeaders(ctx, error, status)
  if (help !== null) setAdvice(ctx.res, help)
  ctx.status = status
  ctx.body = JSON.stringify({
    type: `urn:postern:problem:${code}`,
    title,
    status,
    detail,
    code,
    requestId,
    error: detail,
    ...(help === null ? {} : { help }),
    // Uppy shows the field `message` to users.
    ...(ctx.path.startsWith('/s3/') ? { message: detail } : {}),
    ...(Object.keys(details).length > 0 ? { details } : {}),
  })
  ctx.type = 'application/problem+json'
}

/** An error that a fault rule asks for, with the code and status that it names. */
function sendInjected(ctx: Context, { code, status, message, headers }: InjectedError): void {
  const requestId = String(ctx.state['requestId'] ?? '')
  ctx.state['refusal'] = { code, message, advice: injectedAdvice } satisfies Refusal
  ctx.set({ 'cache-control': 'no-store', ...headers })
  ctx.status = status
  const problem = { type: `urn:postern:problem:${code}`, title: code, status, detail: message, code, requestId }
  ctx.body = JSON.stringify({ ...problem, error: message })
  ctx.type = 'application/problem+json'
}

function setHeaders(ctx: Context, error: unknown, status: number): void {
  ctx.set('cache-control', 'no-store')
  const wait = error instanceof StorageError ? error.retryAfter : undefined
  if (wait !== undefined || status === 503)
    ctx.set('retry-after', String(Math.max(1, Math.ceil(wait ?? defaultRetryAfter))))
  if (status !== 401) return
  const attempted = ctx.get('authorization') !== ''
  ctx.set('www-authenticate', `Bearer realm="postern"${attempted ? ', error="invalid_token"' : ''}`)
}

function codeOf(error: unknown): ProblemCode {
  if (error instanceof StorageError || error instanceof RequestRefused) return error.code
  return 'Internal'
}

const messageOf = (error: unknown, title: string): string =>
  error instanceof Error && error.message !== '' ? error.message : `${title}.`
