/** CORS of the objects endpoint: the bucket's own rules, or `cors.origins` of the configuration. */
import { isStorageError } from '../errors.ts'
import type { CorsRule } from '../drivers/driver.ts'
import {
  readPreflight,
  setCorsHeaders,
  setPreflightHeaders,
  vary,
  type CorsPolicy,
  type Preflight,
} from '../http/cors.ts'
import { answerEmpty, type AnswerHeaders } from './answer.ts'
import type { ObjectsDeps, S3Context } from './context.ts'
import { checksumHeaderNames } from './object-headers.ts'
import { S3Error } from './s3-error.ts'
import { StorageError } from '../errors.ts'

const exposed = [
  'ETag',
  'Location',
  'Retry-After',
  'Accept-Ranges',
  'Content-Range',
  'Content-Disposition',
  'Content-Encoding',
  'x-amz-request-id',
  'x-amz-id-2',
  'x-amz-version-id',
  'x-amz-mp-parts-count',
  ...checksumHeaderNames,
]

type CorsContext = Pick<S3Context, 'req' | 'res' | 'method' | 'bucket' | 'headers'>
type ReadContext = Pick<S3Context, 'res' | 'headers' | 'verified' | 'ownCors'>
type CorsDeps = Pick<ObjectsDeps, 'store' | 'gatewayBucket' | 'corsOrigins'>

/** Seconds a browser may cache the response to a preflight. */
const preflightAge = 3600

const configuredPolicy = (origins: readonly string[]): CorsPolicy => ({
  origins,
  methods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
  headers: 'any',
  expose: exposed,
  maxAge: preflightAge,
})

/** null: the configured policy applies, as for the gateway's bucket and all buckets without rules. */
async function rulesOf(bucket: string | null, deps: CorsDeps): Promise<CorsRule[] | null> {
  if (bucket === null || bucket === deps.gatewayBucket) return null
  try {
    return (await deps.store.headBucket(bucket)).cors
  } catch (error) {
    if (isStorageError(error, 'NoSuchBucket', 'InvalidBucketName')) return []
    throw error
  }
}

/** A `*` matches any run of characters. */
export function matchesPattern(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*')
  if (star === -1) return pattern === text
  const head = pattern.slice(0, star)
  const tail = pattern.slice(star + 1)
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail)
}

function findRule(rules: readonly CorsRule[], asked: Preflight): CorsRule | undefined {
  return rules.find(
    (rule) =>
      rule.allowedMethods.includes(asked.method) &&
      rule.allowedOrigins.some((origin) => matchesPattern(origin, asked.origin)) &&
      asked.headers.every((name) => rule.allowedHeaders.some((known) => matchesPattern(known.toLowerCase(), name))),
  )
}

function setRuleHeaders(ctx: CorsContext, rule: CorsRule, asked: Preflight): void {
  const { res } = ctx
  const any = rule.allowedOrigins.includes('*')
  res.setHeader('access-control-allow-origin', any ? '*' : asked.origin)
  if (!any) res.setHeader('access-control-allow-credentials', 'true')
  res.setHeader('access-control-allow-methods', rule.allowedMethods.join(', '))
  if (rule.exposeHeaders.length > 0) res.setHeader('access-control-expose-headers', rule.exposeHeaders.join(', '))
  if (asked.headers.length > 0) res.setHeader('access-control-allow-headers', asked.headers.join(', '))
  if (rule.maxAgeSeconds !== undefined) res.setHeader('access-control-max-age', String(rule.maxAgeSeconds))
}

/** Sets the CORS headers of a response, errors included. */
export async function applyCors(ctx: CorsContext & Pick<S3Context, 'ownCors'>, deps: CorsDeps): Promise<void> {
  vary(ctx.res, 'Origin')
  const origin = ctx.headers.get('origin')
  if (origin === undefined) return
  const rules = await rulesOf(ctx.bucket, deps)
  if (rules === null) {
    setCorsHeaders(ctx.res, configuredPolicy(deps.corsOrigins()), origin)
    return
  }
  // As on S3, the method announced by the client counts instead of the actual one.
  const method = ctx.headers.get('access-control-request-method') ?? ctx.method
  const asked: Preflight = { origin, method, headers: [] }
  const rule = findRule(rules, asked)
  if (rule === undefined) return
  ctx.ownCors = true
  setRuleHeaders(ctx, rule, asked)
}

/**
 * Lets pages of every origin read an object, without credentials. Call it once the read is authorised, by a signature
 * or because the object is public. A page that was redirected here from another origin sends `Origin: null`, which no
 * list of origins can contain. A bucket's own rule for the origin takes precedence.
 */
export function openToPages({ res, headers, verified, ownCors }: ReadContext): void {
  // Any page can sign with a published key, so such a signature does not authorise a page.
  if (!headers.has('origin') || ownCors || verified?.wellKnown === true) return
  res.setHeader('access-control-allow-origin', '*')
  res.removeHeader('access-control-allow-credentials')
  res.setHeader('access-control-expose-headers', exposed.join(', '))
}

/** Lists a response's metadata headers one by one, because `*` does not work with credentials. */
export function exposeMetadata({ res, ownCors }: ReadContext, answer: AnswerHeaders): void {
  const list = res.getHeader('access-control-expose-headers')
  if (list === undefined || ownCors) return
  const names = Object.keys(answer).filter((name) => name.startsWith('x-amz-meta-'))
  if (names.length > 0) res.setHeader('access-control-expose-headers', [String(list), ...names].join(', '))
}

/** Answers a preflight for a read that is open to pages of every origin. */
function setOpenPreflight(ctx: CorsContext, asked: Preflight): void {
  const { res } = ctx
  res.setHeader('access-control-allow-origin', '*')
  res.setHeader('access-control-allow-methods', 'GET, HEAD')
  if (asked.headers.length > 0) res.setHeader('access-control-allow-headers', asked.headers.join(', '))
  res.setHeader('access-control-max-age', String(preflightAge))
}

/**
 * Answers OPTIONS. A preflight carries no credentials, so it is answered before authentication. `isOpenRead` says
 * whether the URL itself authorises the announced method, which opens the response to every page.
 */
export async function answerPreflight(
  ctx: CorsContext,
  deps: CorsDeps,
  isOpenRead: (method: string) => Promise<boolean>,
): Promise<void> {
  vary(ctx.res, 'Origin')
  const asked = readPreflight(ctx.method, ctx.req.headers)
  if (asked === null) {
    throw new StorageError('InvalidRequest', {
      message: 'Insufficient information. Origin and Access-Control-Request-Method request headers are needed.',
    })
  }
  if (!(await setGranted(ctx, deps, asked))) {
    if (!(await isOpenRead(asked.method))) throw notAllowed()
    setOpenPreflight(ctx, asked)
  }
  answerEmpty(ctx, 200)
}

/**
 * Applies the configuration or the bucket's rules. Returns false and sets no CORS header if they do not allow the
 * request.
 */
async function setGranted(ctx: CorsContext, deps: CorsDeps, asked: Preflight): Promise<boolean> {
  const rules = await rulesOf(ctx.bucket, deps)
  if (rules === null) return setPreflightHeaders(ctx.res, configuredPolicy(deps.corsOrigins()), asked)
  vary(ctx.res, 'Access-Control-Request-Method')
  vary(ctx.res, 'Access-Control-Request-Headers')
  const rule = findRule(rules, asked)
  if (rule !== undefined) setRuleHeaders(ctx, rule, asked)
  return rule !== undefined
}

const notAllowed = (): S3Error =>
  new S3Error('AccessForbidden', 'No CORS rule allows this origin, method and set of headers.')
