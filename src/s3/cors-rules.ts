/** CORS of the objects endpoint: the bucket's own rules, or `cors.origins` of the configuration. */
import { isStorageError, StorageError } from '../errors.ts'
import type { CorsRule } from '../drivers/driver.ts'
import {
  grantToPage,
  grantToPreflight,
  readPreflight,
  setCorsHeaders,
  vary,
  varyByPreflight,
  type CorsGrant,
  type CorsPolicy,
  type Preflight,
} from '../http/cors.ts'
import { answerEmpty, type AnswerHeaders } from './answer.ts'
import type { ObjectsDeps, S3Context } from './context.ts'
import { checksumHeaderNames } from './object-headers.ts'
import { S3Error } from './s3-error.ts'

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

function grantOfRule(rule: CorsRule, asked: Preflight): CorsGrant {
  const any = rule.allowedOrigins.includes('*')
  return {
    origin: any ? '*' : asked.origin,
    credentials: !any,
    methods: rule.allowedMethods,
    headers: asked.headers,
    expose: rule.exposeHeaders,
    ...(rule.maxAgeSeconds !== undefined && { maxAge: rule.maxAgeSeconds }),
  }
}

/** Sets the CORS headers of a response, errors included. */
export async function applyCors(ctx: CorsContext & Pick<S3Context, 'ownCors'>, deps: CorsDeps): Promise<void> {
  vary(ctx.res, 'Origin')
  const origin = ctx.headers.get('origin')
  if (origin === undefined) return
  const rules = await rulesOf(ctx.bucket, deps)
  // As on S3, the method announced by the client counts instead of the actual one.
  const method = ctx.headers.get('access-control-request-method') ?? ctx.method
  const grant = rules
    ? grantByRules(rules, { origin, method, headers: [] })
    : grantToPage(configuredPolicy(deps.corsOrigins()), origin)
  if (grant === null) return
  ctx.ownCors = rules !== null
  setCorsHeaders(ctx.res, grant)
}

function grantByRules(rules: readonly CorsRule[], asked: Preflight): CorsGrant | null {
  const rule = findRule(rules, asked)
  return rule === undefined ? null : grantOfRule(rule, asked)
}

/**
 * Lets pages of every origin read an object, without credentials. Call it once the read is authorised, by a signature
 * or because the object is public. A page that was redirected here from another origin sends `Origin: null`, which no
 * list of origins can contain. A bucket's own rule for the origin takes precedence.
 */
export function openToPages({ res, headers, verified, ownCors }: ReadContext): void {
  // Any page can sign with a published key, so such a signature does not authorise a page.
  if (!headers.has('origin') || ownCors || verified?.wellKnown === true) return
  setCorsHeaders(res, { origin: '*', expose: exposed })
}

/** Lists a response's metadata headers one by one, because `*` does not work with credentials. */
export function exposeMetadata({ res, ownCors }: ReadContext, answer: AnswerHeaders): void {
  const list = res.getHeader('access-control-expose-headers')
  if (list === undefined || ownCors) return
  const names = Object.keys(answer).filter((name) => name.startsWith('x-amz-meta-'))
  if (names.length > 0) res.setHeader('access-control-expose-headers', [String(list), ...names].join(', '))
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
  const asked = readPreflight(ctx.method, ctx.req.headers)
  if (asked === null) {
    vary(ctx.res, 'Origin')
    throw new StorageError('InvalidRequest', {
      message: 'Insufficient information. Origin and Access-Control-Request-Method request headers are needed.',
    })
  }
  varyByPreflight(ctx.res)
  const rules = await rulesOf(ctx.bucket, deps)
  const grant = rules ? grantByRules(rules, asked) : grantToPreflight(configuredPolicy(deps.corsOrigins()), asked)
  if (grant === null && !(await isOpenRead(asked.method))) {
    throw new S3Error('AccessForbidden', 'No CORS rule allows this origin, method and set of headers.')
  }
  setCorsHeaders(ctx.res, grant ?? openRead(asked))
  answerEmpty(ctx, 200)
}

/** A read that is open to pages of every origin. */
const openRead = ({ headers }: Preflight): CorsGrant => ({
  origin: '*',
  methods: ['GET', 'HEAD'],
  headers,
  maxAge: preflightAge,
})
