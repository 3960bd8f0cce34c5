/** CORS on the objects endpoint: a bucket's own rules where it has some, else `cors.origins` of the configuration. */
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
import { answerEmpty } from './answer.ts'
import type { ObjectsDeps, S3Context } from './context.ts'
import { S3Error } from './s3-error.ts'
import { StorageError } from '../errors.ts'

const exposed = [
  'ETag',
  'Location',
  'Retry-After',
  'Accept-Ranges',
  'Content-Range',
  'Content-Disposition',
  'x-amz-request-id',
  'x-amz-id-2',
  'x-amz-version-id',
  'x-amz-mp-parts-count',
  'x-amz-checksum-crc32',
  'x-amz-checksum-crc32c',
  'x-amz-checksum-crc64nvme',
  'x-amz-checksum-sha1',
  'x-amz-checksum-sha256',
  'x-amz-checksum-type',
]

type CorsContext = Pick<S3Context, 'req' | 'res' | 'method' | 'bucket' | 'headers'>
type CorsDeps = Pick<ObjectsDeps, 'store' | 'gatewayBucket' | 'corsOrigins'>

const configuredPolicy = (origins: readonly string[]): CorsPolicy => ({
  origins,
  methods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
  headers: 'any',
  expose: exposed,
  maxAge: 3600,
})

/** null: the configured policy holds, as it does for the gateway's bucket and for every bucket without rules. */
async function rulesOf(bucket: string | null, deps: CorsDeps): Promise<CorsRule[] | null> {
  if (bucket === null || bucket === deps.gatewayBucket) return null
  try {
    return (await deps.store.headBucket(bucket)).cors
  } catch (error) {
    if (isStorageError(error, 'NoSuchBucket', 'InvalidBucketName')) return []
    throw error
  }
}

/** One `*` stands for any run of characters. */
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

/** Sets what any answer to this request carries, errors included. */
export async function applyCors(ctx: CorsContext, deps: CorsDeps): Promise<void> {
  vary(ctx.res, 'Origin')
  const origin = ctx.headers.get('origin')
  if (origin === undefined) return
  const rules = await rulesOf(ctx.bucket, deps)
  if (rules === null) {
    setCorsHeaders(ctx.res, configuredPolicy(deps.corsOrigins()), origin)
    return
  }
  // As on S3, the method a client says it will use stands for the one it uses.
  const method = ctx.headers.get('access-control-request-method') ?? ctx.method
  const asked: Preflight = { origin, method, headers: [] }
  const rule = findRule(rules, asked)
  if (rule !== undefined) setRuleHeaders(ctx, rule, asked)
}

/** Answers OPTIONS. A preflight comes without credentials, so it is answered before any are asked for. */
export async function answerPreflight(ctx: CorsContext, deps: CorsDeps): Promise<void> {
  vary(ctx.res, 'Origin')
  const asked = readPreflight(ctx.method, ctx.req.headers)
  if (asked === null) {
    throw new StorageError('InvalidRequest', {
      message: 'Insufficient information. Origin and Access-Control-Request-Method request headers are needed.',
    })
  }
  const rules = await rulesOf(ctx.bucket, deps)
  if (rules === null) {
    if (!setPreflightHeaders(ctx.res, configuredPolicy(deps.corsOrigins()), asked)) throw notAllowed()
  } else {
    vary(ctx.res, 'Access-Control-Request-Method')
    vary(ctx.res, 'Access-Control-Request-Headers')
    const rule = findRule(rules, asked)
    if (rule === undefined) throw notAllowed()
    setRuleHeaders(ctx, rule, asked)
  }
  answerEmpty(ctx, 200)
}

const notAllowed = (): S3Error =>
  new S3Error('AccessForbidden', 'No CORS rule allows this origin, method and set of headers.')
