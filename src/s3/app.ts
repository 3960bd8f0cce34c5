import Koa, { type Context } from 'koa'
import { createClientIp } from '../http/client-ip.ts'
import { vary } from '../http/cors.ts'
import { guardRequest } from '../http/guard.ts'
import { reportRequests } from '../http/report-requests.ts'
import { InjectedError, injectedAdvice } from '../http/intercept.ts'
import { isServerFault, type Refusal, type RequestFacts } from '../http/request-event.ts'
import { requestId } from '../http/request-id.ts'
import { isStorageError, StorageError } from '../errors.ts'
import { anyRegion } from '../sigv4/credential.ts'
import { SignatureError } from '../sigv4/types.ts'
import { createAccess, denied } from './access.ts'
import { actionOn } from './actions.ts'
import { asReceived, authenticate, identify } from './authenticate.ts'
import {
  objectOf,
  readHeaders,
  versionOf,
  withHoisted,
  type ObjectsDeps,
  type OperationDeps,
  type S3Context,
} from './context.ts'
import { parseCopySource } from './copy-source.ts'
import { createMissingBucket, developmentDeps } from './development.ts'
import { answerPreflight, applyCors } from './cors-rules.ts'
import { answerError, errorAnswer, hostId } from './error-response.ts'
import { refuseUnsupportedHeaders } from './object-headers.ts'
import { allowedMethods, findRoute } from './router.ts'
import { adviceFor } from './refusal-advice.ts'
import { S3Error } from './s3-error.ts'
import { parseTarget, type Target } from './target.ts'

export type { ObjectsDeps } from './context.ts'

/**
 * The S3-compatible endpoint. Koa only hosts it: the target is read raw, as it was signed, bodies are plain streams,
 * and each operation writes its own response.
 */
export function createObjectsApp(objectsDeps: ObjectsDeps): Koa {
  const deps: OperationDeps = { ...objectsDeps, access: createAccess(objectsDeps) }
  const app = new Koa()
  app.on('error', (error: unknown) => deps.log.debug({ err: error }, 'connection failed'))
  app.use(requestId('x-amz-request-id'))
  const clientIp = createClientIp(deps.trustedProxies ?? [])
  app.use(reportRequests({ app: 'objects', sinks: deps.sinks ?? [], clientIp, now: deps.now }, factsOf))
  app.use(async (koa) => {
    koa.respond = false
    koa.res.setHeader('x-amz-id-2', hostId)
    const ctx: S3Context = {
      req: koa.req,
      res: koa.res,
      method: koa.req.method ?? '',
      headers: readHeaders(koa.req.rawHeaders),
      requestId: String(koa.state['requestId']),
      bucket: null,
      key: null,
      query: new Map(),
      operation: null,
      principal: { kind: 'anonymous' },
      verified: null,
      ownCors: false,
    }
    koa.state['s3'] = ctx
    try {
      await handle(ctx, developmentDeps(ctx, deps))
    } catch (error) {
      const refusal = refusalOf(ctx, deps, error)
      if (errorAnswer(error).status >= 400) koa.state['refusal'] = refusal
      await refuse(ctx, deps, { error, advice: refusal.advice })
    }
  })
  return app
}

function factsOf({ state }: Context): RequestFacts {
  const { operation, method, bucket, key, principal } = state['s3'] as S3Context
  return {
    operation: operation ?? (method === 'OPTIONS' ? 'preflight' : 'none'),
    user: null,
    // A gateway-signed URL carries no user. The object key identifies the owner.
    keyOwner: principal.kind === 'key' && !principal.gateway ? principal.owner : null,
    bucket,
    key,
    file: null,
    refusal: (state['refusal'] as Refusal | undefined) ?? null,
  }
}

/** What the log and the console report. In development mode, a wrong signature is compared with what was signed. */
function refusalOf(ctx: S3Context, deps: OperationDeps, error: unknown): Refusal {
  const { code, message } = errorAnswer(error)
  if (error instanceof InjectedError) return { code, message, advice: injectedAdvice }
  const plain = { code, message, advice: adviceFor(code) }
  if (!deps.advice || !(error instanceof SignatureError)) return plain
  const { method, req } = ctx
  const { difference } = deps.advice.explain({ method, target: req.url ?? '', rawHeaders: req.rawHeaders })
  // A form carries its signature in its fields.
  if (difference === null || difference.code === 'NotSigned') return plain
  return { code, message: difference.message, advice: difference.advice }
}

async function handle(ctx: S3Context, deps: OperationDeps): Promise<void> {
  guardRequest(ctx.req)
  Object.assign(ctx, readTarget(ctx, deps))
  const run = (): Promise<void> =>
    ctx.method === 'OPTIONS'
      ? answerPreflight(ctx, deps, (method) => isOpenRead(ctx, deps, method))
      : authoriseAndRun(ctx, deps)
  if (!deps.testing) return run()
  const route = findRoute(ctx)
  const named = ctx.method === 'OPTIONS' ? 'preflight' : route instanceof S3Error ? 'none' : route.name
  const { req, res, bucket, key, query } = ctx
  await deps.testing.intercept({ api: 'objects', req, res, operation: named, bucket, key, query }, run)
}

async function authoriseAndRun(ctx: S3Context, deps: OperationDeps): Promise<void> {
  let route = findRoute(ctx)
  nameOperation(ctx, route)
  // A form is signed in its fields. Every other request is signed in its URL or headers.
  const form = !(route instanceof S3Error) && route.body === 'form'
  if (!form) Object.assign(ctx, await identifyAt(ctx, deps))
  const hoisted = ctx.verified?.hoisted
  if (hoisted !== undefined && hoisted.size > 0) {
    refuseUnsupportedHeaders(hoisted)
    ctx.headers = withHoisted(ctx.headers, hoisted)
    // x-amz-copy-source turns a PUT into another operation.
    route = findRoute(ctx)
    nameOperation(ctx, route)
  }
  if (route instanceof S3Error) throw route
  if (ctx.verified?.payload.startsWith('STREAMING-') === true && route.body !== 'object') {
    throw new StorageError('InvalidRequest', { message: 'This operation does not accept a streaming body.' })
  }
  if (deps.development?.createsBuckets) await createMissingBucket(ctx, route.name, deps)
  await checkExpectedOwners(ctx, deps)
  await applyCors(ctx, deps)
  await route.run(ctx, form ? deps : { ...deps, region: regionOf(ctx, deps) })
}

/** A client signs headers by its own clock, which does not follow the clock of a test. */
async function identifyAt(ctx: S3Context, deps: OperationDeps): ReturnType<typeof identify> {
  try {
    return await identify(asReceived(ctx.req), deps)
  } catch (error) {
    const isSkewed = error instanceof SignatureError && error.code === 'RequestTimeTooSkewed'
    if (!isSkewed || !deps.testing) throw error
    const at = deps.testing.signingTime(ctx.req)
    return identify(asReceived(ctx.req), { ...deps, now: () => at })
  }
}

/** With `objects.region: any`, each client finds its buckets in the region that it signs for. */
const regionOf = ({ verified }: S3Context, { region }: OperationDeps): string =>
  region === anyRegion ? (verified?.seed?.scope.split('/')[1] ?? 'us-east-1') : region

/** Whether this URL, with that method, is a read authorised by a signature or by public visibility. */
async function isOpenRead(ctx: S3Context, deps: OperationDeps, method: string): Promise<boolean> {
  const route = findRoute({ ...ctx, method })
  if (route instanceof S3Error || !['GetObject', 'HeadObject'].includes(route.name)) return false
  try {
    const who = authenticate({ ...asReceived(ctx.req), method }, deps)
    const { versionId } = versionOf(ctx)
    const on = { ...objectOf(ctx), ...versionOf(ctx) }
    await deps.access.allow({ ...ctx, ...who }, actionOn('s3:GetObject', versionId), on)
    return who.verified?.wellKnown !== true
  } catch (error) {
    if (error instanceof SignatureError || isStorageError(error)) return false
    throw error
  }
}

function nameOperation(ctx: S3Context, route: ReturnType<typeof findRoute>): void {
  if (!(route instanceof S3Error)) ctx.operation = route.name
}

const readTarget = (ctx: S3Context, deps: ObjectsDeps): Target =>
  parseTarget(ctx.req.url ?? '', {
    pathPrefix: deps.pathPrefix(),
    host: ctx.headers.get('host') ?? '',
    virtualHosts: deps.virtualHosts,
  })

function targetOrNone(ctx: S3Context, deps: ObjectsDeps): Pick<Target, 'bucket' | 'key'> {
  try {
    return readTarget(ctx, deps)
  } catch {
    return ctx
  }
}

/** The client wants an error instead of another owner's bucket, also as the source of a copy. */
async function checkExpectedOwners(ctx: S3Context, deps: OperationDeps): Promise<void> {
  await checkOwner(ctx.headers.get('x-amz-expected-bucket-owner'), () => ctx.bucket, deps)
  const ofSource = ctx.headers.get('x-amz-source-expected-bucket-owner')
  await checkOwner(ofSource, () => sourceBucket(ctx.headers.get('x-amz-copy-source')), deps)
}

const sourceBucket = (source: string | undefined): string | null =>
  source === undefined ? null : parseCopySource(source).ref.bucket

async function checkOwner(
  expected: string | undefined,
  bucketOf: () => string | null,
  deps: OperationDeps,
): Promise<void> {
  if (expected === undefined) return
  const bucket = bucketOf()
  if (bucket === null) return
  const owner = bucket === deps.gatewayBucket ? deps.gatewayOwner : (await deps.store.headBucket(bucket)).owner
  if (owner !== expected) throw denied()
}

/** Turns an error into a response. If a response has started, closes the connection instead. */
async function refuse(
  ctx: S3Context,
  deps: OperationDeps,
  { error, advice }: { error: unknown; advice: string },
): Promise<void> {
  const { res, requestId: id } = ctx
  const answer = errorAnswer(error)
  if (res.headersSent || res.destroyed || ctx.req.socket.destroyed) {
    deps.log.debug({ err: error, requestId: ctx.requestId }, 'response was aborted')
    res.destroy()
    return
  }
  if (isServerFault(answer.status)) deps.log.error({ err: error, requestId: ctx.requestId }, 'request failed')
  try {
    // A refused preflight grants nothing, so other CORS headers are not set.
    if (ctx.method === 'OPTIONS') vary(res, 'Origin')
    else if (!res.hasHeader('access-control-allow-origin')) await applyCors(ctx, deps)
  } catch (cause) {
    deps.log.error({ err: cause, requestId: ctx.requestId }, 'could not read CORS rules')
  }
  // The method is checked before the target is parsed.
  if (answer.status === 405) res.setHeader('allow', allowedMethods(targetOrNone(ctx, deps)))
  const path = (ctx.req.url ?? '').split('?', 1)[0]!
  const help = deps.advice === undefined ? null : `${advice} ${deps.advice.detailsUrl(id)}`
  answerError(ctx, answer, { resource: path, requestId: id, advice: help })
}
