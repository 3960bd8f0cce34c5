/** Step 4: creates the two apps, the JSON API with the console and the objects endpoint. */
import type { Middleware } from 'koa'
import type Koa from 'koa'
import { createApi, type ApiDeps } from '../api/app.ts'
import { createTokenVerifier } from '../api/token.ts'
import { listSettings } from '../config/list-settings.ts'
import type { LiveKeys } from '../config/live-keys.ts'
import { packageVersion } from '../config/package-version.ts'
import { stateFolder } from '../config/state-folder.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import { createRunningWrites } from '../drivers/running-writes.ts'
import { explainRequest } from '../explain/explain-request.ts'
import { gatewayOwner, publicPrefix } from '../gateway-names.ts'
import type { Interceptor } from '../http/intercept.ts'
import { createPathPrefix, type PublicUrls } from '../http/public-urls.ts'
import { sharedPort, type RequestHandler } from '../http/shared-port.ts'
import { createVersion2Rule } from '../s3/accepts-version-2.ts'
import { createObjectsApp } from '../s3/app.ts'
import { createKeyRing } from '../s3/key-ring.ts'
import type { ServiceDeps } from '../service/deps.ts'
import { publicObject } from '../service/downloads/public-object.ts'
import { admitPart } from '../service/multipart/admit-part.ts'
import type { Readiness } from '../service/stores/readiness.ts'
import { grantedWrite } from '../service/uploads/granted-write.ts'
import { settleWrittenObject } from '../service/uploads/settle-auto-confirm.ts'
import type { TestMode } from '../testing/test-mode.ts'
import type { TestState } from '../testing/test-state.ts'
import type { ResolvedOptions } from './gateway.ts'
import type { Shared } from './join-others.ts'
import type { Observers } from './observe.ts'
import type { OpenStores } from './open-stores.ts'

export type Apps = {
  api: Koa
  objects: Koa | null
  /** Answers both origins on one port, or the API alone if the objects endpoint has its own. */
  handler: RequestHandler
}

export type AppsInput = {
  service: ServiceDeps
  stores: OpenStores
  shared: Shared
  observers: Observers
  keys: LiveKeys
  urls: PublicUrls
  readiness: Readiness
  isDraining: () => boolean
  testState: TestState | null
  writes: ReturnType<typeof createRunningWrites>
}

export async function createApps(o: ResolvedOptions, from: AppsInput): Promise<Apps> {
  const { config } = from.service
  const pathPrefix = createPathPrefix(from.urls.objects)
  const keyRing = createKeyRing(o.testMode ? o.testMode.withKeys(from.keys) : from.keys, o.now)
  const tokens = { accepted: from.keys.tokens, reload: from.keys.reload }
  const verifyToken = createTokenVerifier({ auth: config.auth, secrets: tokens, now: o.now })
  const explain: Common['explain'] = (request, at) =>
    explainRequest(
      { ...request, pathPrefix: pathPrefix() },
      { region: config.objects.region, keys: keyRing, now: at, hosts: [new URL(from.urls.objects()).host] },
    )
  const { endpointStore } = from.stores
  const intercept = o.testMode && endpointStore ? await openFaults(o.testMode, endpointStore) : null
  const common = { pathPrefix, keyRing, tokens, verifyToken, explain, intercept }
  const api = await apiOf(o, from, common)
  const objects = objectsOf(o, from, common)
  const shared = objects !== null && config.objects.listen === 'shared'
  return { api, objects, handler: shared ? sharedPort(api, objects, pathPrefix) : (api.callback() as RequestHandler) }
}

type Common = Pick<ApiDeps, 'tokens' | 'verifyToken'> & {
  pathPrefix: () => string
  intercept: Interceptor | null
  keyRing: ReturnType<typeof createKeyRing>
  explain: NonNullable<ApiDeps['explain']>
}

async function apiOf(o: ResolvedOptions, from: AppsInput, common: Common): Promise<Koa> {
  const { service, urls, shared, observers, testState } = from
  const { config } = service
  const { bucketUrl, otherUrls, endpointStore } = from.stores
  const { explain, tokens, verifyToken } = common
  return createApi({
    ...service,
    dev: o.dev,
    detailsUrl: observers.detailsUrl,
    secretsFolder: o.dev ? stateFolder(config) : null,
    tokens,
    verifyToken,
    objectsUrl: () => bucketUrl ?? urls.objects(),
    objectsOrigin: () => new URL(bucketUrl ?? urls.objects()).origin,
    otherOrigins: () => [...otherUrls, ...(endpointStore ? [urls.objects()] : [])].map((url) => new URL(url).origin),
    isDraining: from.isDraining,
    readiness: from.readiness,
    requests: observers.requests,
    sinks: observers.sinks,
    metrics: observers.metrics,
    version: packageVersion,
    explain: endpointStore === null ? null : explain,
    limit: shared.rates.limit,
    limitRequests: shared.rates.limitRequests,
    countFailure: shared.rates.countFailure,
    ...(common.intercept && { intercept: common.intercept }),
    testRoutes: o.testMode && testState ? await openTestRoutes(o.testMode, testState, o.dev) : null,
    settings: () => listSettings(config, o.loaded ?? null),
  })
}

function objectsOf(
  o: ResolvedOptions,
  from: AppsInput,
  { pathPrefix, keyRing, verifyToken, explain, intercept }: Common,
): Koa | null {
  const { service, urls, stores, observers, writes } = from
  const { config, catalog } = service
  const { testMode, now } = o
  const { detailsUrl } = observers
  if (stores.endpointStore === null) return null
  return createObjectsApp({
    store: stores.endpointStore,
    keys: keyRing,
    ...(testMode && {
      development: {
        accessKeys: testMode.accessKeyIds,
        createsBuckets: testMode.createsBuckets,
        anyHost: testMode.anyHost,
      },
    }),
    ...(detailsUrl !== null && { advice: { explain: (request) => explain(request, now()), detailsUrl } }),
    ...(intercept && { testing: { intercept, signingTime: (req) => testMode!.signingTime(req) } }),
    region: config.objects.region,
    gatewayBucket: config.storage.bucket,
    gatewayOwner,
    publicPrefix,
    publicUrl: urls.objects,
    trustedProxies: config.server.trustedProxies,
    pathPrefix,
    virtualHosts: config.objects.virtualHosts,
    acceptsVersion2: createVersion2Rule(config, { dev: o.dev || testMode !== undefined, url: urls.objects }),
    // The console uploads from the API's own origin, listed or not.
    corsOrigins: () => [...config.cors.origins, new URL(urls.api()).origin],
    maxGatewayPut: config.uploads.maxSize,
    inlineTypes: config.downloads.inlineTypes,
    sendfile: config.objects.sendfile,
    publicObject: (ref) => publicObject(service, ref),
    grantedWrite: (ref) => grantedWrite(service, ref),
    onObjectWritten: (ref) => settleWrittenObject(service, ref),
    isOwnToken: (token) =>
      verifyToken(token).then(
        () => true,
        () => false,
      ),
    writes,
    links: { isAlive: (id) => catalog.isLinkAlive(id, now()) },
    admitPart: (ref, part) => admitPart(service, ref, part),
    sinks: observers.sinks,
    log: o.log,
    now: testMode ? () => new Date(now().getTime() + testMode.faults.skew()) : now,
  })
}

/** Loaded in test mode only. */
async function openFaults(mode: TestMode, store: StorageDriver): Promise<Interceptor> {
  const { interceptFaults } = await import('../testing/faults/intercept-faults.ts')
  const { intercept, clear } = interceptFaults({ rules: mode.faults, clock: mode.clock, store })
  mode.clearFaults = clear
  return intercept
}

/** Loaded in test mode only. */
async function openTestRoutes(mode: TestMode, state: TestState, hostChecks: boolean): Promise<Middleware> {
  const { testRoutes } = await import('../testing/test-routes.ts')
  return testRoutes(mode, state, { hostChecks })
}
