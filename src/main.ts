/** Composition root: the only file that constructs everything. */
import type { Middleware } from 'koa'
import type { Logger } from './log.ts'
import { createApi, type ApiDeps } from './api/app.ts'
import { createRateLimit } from './api/rate-limit.ts'
import { createTokenVerifier } from './api/token.ts'
import { plainProblem } from './api/plain-problem.ts'
import type { Catalog } from './catalog/catalog.ts'
import { createCatalog } from './catalog/create-catalog.ts'
import { agreementOf } from './cluster/agreement.ts'
import { gatherRequests } from './cluster/gathered-requests.ts'
import { joinInstances } from './cluster/instances.ts'
import { hasOwnSocket } from './cluster/share-port.ts'
import { openLiveKeys, type LiveKeys } from './config/live-keys.ts'
import { packageVersion } from './config/package-version.ts'
import { listSettings } from './config/list-settings.ts'
import type { LoadedConfig } from './config/load-config.ts'
import type { Config, ListenAddress } from './config/config.ts'
import type { Secrets } from './config/secrets.ts'
import type { OpenContext } from './drivers/registration.ts'
import { registrationOf } from './drivers/registry.ts'
import type { StorageDriver } from './drivers/driver.ts'
import { alone, type Peers } from './drivers/peers.ts'
import { createRunningWrites } from './drivers/running-writes.ts'
import { explainRequest } from './explain/explain-request.ts'
import type { PlainAnswer } from './http/connection-error.ts'
import { createConnectionLimit } from './http/connection-limit.ts'
import { connectionsHere } from './http/descriptor-limit.ts'
import { openAuditLog } from './http/audit-log.ts'
import { createAccessLog } from './http/access-log.ts'
import type { RequestSink } from './http/request-event.ts'
import { createPathPrefix, publicUrls } from './http/public-urls.ts'
import { createRequestLog } from './http/request-log.ts'
import { createServer, type HttpServer } from './http/server.ts'
import { countDroppedLogLines, droppedLogLines } from './http/stderr-lines.ts'
import { sharedPort, type RequestHandler } from './http/shared-port.ts'
import { gaugesOf } from './metrics/gauges.ts'
import { createMetrics } from './metrics/metrics.ts'
import type { Tracing } from './metrics/tracing.ts'
import { createObjectsApp } from './s3/app.ts'
import { createVersion2Rule } from './s3/accepts-version-2.ts'
import { createKeyRing } from './s3/key-ring.ts'
import { plainAnswer } from './s3/plain-answer.ts'
import { admitPart } from './service/multipart/admit-part.ts'
import { createCollector } from './service/maintenance/collector.ts'
import { createNoting } from './service/files/note-files.ts'
import type { ServiceDeps } from './service/deps.ts'
import { grantedWrite } from './service/uploads/granted-write.ts'
import { publicObject } from './service/downloads/public-object.ts'
import { keepGeneration } from './service/stores/keep-generation.ts'
import { createReadiness, type Readiness } from './service/stores/readiness.ts'
import { watchClock } from './service/maintenance/steady-clock.ts'
import { settleWrittenObject } from './service/uploads/settle-auto-confirm.ts'
import { whileBusy } from './sqlite-lock.ts'
import { createStorage, openOtherStores, urlOfStore } from './storage.ts'
import type { TestMode } from './testing/test-mode.ts'
import type { TestState } from './testing/test-state.ts'
import type { Dispatcher } from './webhooks/dispatcher.ts'
import { gatewayOwner, publicPrefix } from './gateway-names.ts'
import { servesObjects } from './config/serves-objects.ts'
import { createStores, type Stores } from './service/stores/stores.ts'
import { stateFolder } from './config/state-folder.ts'

export type GatewayOptions = {
  secrets: Secrets
  log: Logger
  /** Requests without credentials are the user `dev`, from loopback only. */
  dev?: boolean
  now?: () => Date
  /** Sends a span a request to the collector that the `OTEL_…` variables name. */
  tracing?: boolean
  /** Processes that share the ports and the disk of this one. Default: there is none. */
  peers?: Peers
  /** Journal, snapshots and test routes. */
  testMode?: TestMode
  /** How the configuration was read: then the console's settings say where each value came from. */
  loaded?: LoadedConfig
}

/** One origin of the gateway. */
export type GatewayApp = {
  /** The request handler for `http.createServer`, or for a server of yours. */
  callback(): RequestHandler
}

export type Gateway = {
  readonly config: Config
  /** The JSON API and the console. */
  readonly api: GatewayApp
  /** The S3-compatible endpoint; null where URLs point to a bucket. */
  readonly objects: GatewayApp | null
  /** Where new uploads go. */
  readonly driver: StorageDriver
  readonly stores: Stores
  readonly catalog: Catalog
  /** null unless in test mode. */
  readonly testState: TestState | null
  /**
   * One Node request handler for both origins, for a server of yours. The objects endpoint lies below the path of
   * `objects.publicUrl`, as with `objects.listen: shared`; without that setting the handler answers the API alone.
   */
  readonly handler: RequestHandler
  /** Whether uploads can be taken now, and why not: what `/readyz` answers. */
  readonly readiness: Pick<Readiness, 'read'>
  /** Starts the background work: garbage collection, expiry, webhooks, the readiness check. Repeatable; `listen` does it too. */
  start(): void
  /** Starts the listeners of `server.listen` and `objects.listen`, and the background work. The URLs are those of the configuration, or what was bound. */
  listen(): Promise<{ apiUrl: string; objectsUrl: string | null }>
  /** Drains: no new connections, running requests end, then the stores are closed. Repeatable. */
  close(): Promise<void>
}

/** What this process shares with others: the catalog, migrated, and the counts of the rate limit. */
function joinOthers(config: Config, o: Joining): ReturnType<typeof join> {
  // The catalog waits for some seconds by itself. A replacement worker that gave up would only be started again.
  const patience = o.peers.isReplacement ? Infinity : 0
  const onWait = (): void => o.log.warn({}, 'another process holds the catalog: the start waits for it')
  return whileBusy(() => join(config, o), { patience, onWait })
}

type Joining = GatewayOptions & { now: () => Date; peers: Peers; keys: LiveKeys }

async function join(config: Config, o: Joining) {
  const subscribers = [
    ...config.webhooks.map(({ url, events }) => ({ url, events })),
    ...(o.testMode?.subscribers ?? []),
  ]
  const catalog = await createCatalog({ url: config.database.url, subscribers })
  try {
    await catalog.migrate()
    const { keys, now } = o
    const ofGateway = () => keys.accepted().filter(({ owner }) => owner === gatewayOwner)
    const agreement = () => agreementOf(config, { tokens: keys.tokens(), urls: ofGateway() }, now())
    const joined = () => joinInstances({ config, catalog, agreement, now, log: o.log })
    const membership = o.peers.index === 0 ? await joined() : null
    const rates = await createRateLimit(config, { log: o.log, isWorker: o.peers.count > 1 })
    return { catalog, rates, leave: async () => membership?.leave() }
  } catch (error) {
    // Connections that nobody uses would keep the process.
    await catalog.close().catch(() => {})
    throw error
  }
}

/** What the disk is swept of at the start: one of the workers does it, and not what the others are writing. */
function houseKeeping({ index, isReplacement }: Peers): OpenContext['sweepOnStart'] {
  return index === 0 && (isReplacement ? 'shared' : true)
}

export async function createGateway(config: Config, o: GatewayOptions): Promise<Gateway> {
  const now = o.now ?? (() => new Date())
  const peers = o.peers ?? alone
  const urls = publicUrls(config)
  const folder = stateFolder(config)
  const keys = openLiveKeys({
    folder,
    secrets: o.secrets,
    configured: config.keys,
    authSecret: config.auth.secret,
    log: o.log,
  })

  const sweepOnStart = houseKeeping(peers)
  const clock = watchClock({ log: o.log, stableFor: config.server.clockStableFor })
  const storage = {
    ...o,
    now,
    mayDelete: clock.isSteady,
    objectsUrl: urls.objects,
    signing: keys.signing,
    peers,
    sweepOnStart,
  }
  const { catalog: opened, rates, leave } = await joinOthers(config, { ...o, now, peers, keys })
  const { testMode } = o
  const catalog = testMode ? testMode.events.watch(opened) : opened
  const open = async (): Promise<{ driver: StorageDriver; others: StorageDriver[] }> => {
    const driver = await createStorage(config, { ...storage, catalog })
    return { driver, others: await openOtherStores(config, catalog, storage) }
  }
  const { driver, others } = await open().catch(async (error: unknown) => {
    // Connections that nobody uses would keep the process.
    await leave().catch(() => {})
    rates.close()
    await catalog.close().catch(() => {})
    throw error
  })
  const bucketUrl = servesObjects(config) ? null : await urlOfStore(driver, config)
  const hasOwnUrls = ({ name }: StorageDriver): boolean => registrationOf(name).hasOwnUrls
  const otherUrls = await Promise.all(others.filter(hasOwnUrls).map((store) => urlOfStore(store, config)))
  const endpointStore = bucketUrl === null ? driver : (others.find((store) => !hasOwnUrls(store)) ?? null)
  const dev = o.dev ?? false
  const writes = createRunningWrites(peers)
  const service = {
    stores: createStores(driver, others),
    catalog,
    config,
    now,
    log: o.log,
    urls: { api: urls.api },
    endWrites: writes.end,
    dev,
  }
  const { index, isReplacement } = peers
  const generations = keepGeneration(service, { moves: index === 0, isReplacement })
  await generations.begin()
  const draining = { value: false }
  const readiness = createReadiness(
    [
      { name: 'store', check: () => driver.checkReady({ byWriting: true }) },
      { name: 'database', check: () => catalog.checkReady().then(() => generations.assertFits()) },
    ],
    { log: o.log, now },
  )
  const requests = peers.count > 1 ? gatherRequests(createRequestLog(), peers) : createRequestLog()
  const audit = config.log.audit === null ? null : openAuditLog(config.log.audit, o.log)
  // One worker adds what the primary has dropped.
  const dropped = peers.index === 0 ? countDroppedLogLines(peers) : async () => droppedLogLines()
  const metrics = createMetrics(gaugesOf({ catalog, driver, config }), peers, [
    {
      name: 'postern_log_lines_dropped_total',
      help: 'Log lines that were dropped because the disk was full or the reader too slow.',
      label: 'log',
      read: async () => ({ server: await dropped(), audit: audit?.dropped ?? 0 }),
    },
  ])
  const tracing = o.tracing === true ? await openTracing() : null
  const sinks: RequestSink[] = [
    createAccessLog(o.log, dev ? (requestId) => `${urls.api()}/#/log/${requestId}` : undefined),
    metrics.observe,
    ...(audit ? [audit.note] : []),
    ...(tracing ? [tracing.observe] : []),
    (event) => requests.push(event),
    ...(testMode ? [testMode.requests.sink] : []),
  ]
  const keyRing = createKeyRing(testMode ? testMode.withKeys(keys) : keys, now)
  const testState = testMode ? await openTestState({ mode: testMode, catalog, driver }) : null
  const pathPrefix = createPathPrefix(urls.objects)
  const explain: ApiDeps['explain'] = (request, at) =>
    explainRequest(
      { ...request, pathPrefix: pathPrefix() },
      { region: config.objects.region, keys: keyRing, now: at, hosts: [new URL(urls.objects()).host] },
    )
  const tokens = { accepted: keys.tokens, reload: keys.reload }
  const verifyToken = createTokenVerifier({ auth: config.auth, secrets: tokens, now })
  const isOwnToken = (token: string): Promise<boolean> =>
    verifyToken(token).then(
      () => true,
      () => false,
    )
  const api = createApi({
    ...service,
    tokens,
    verifyToken,
    objectsUrl: () => bucketUrl ?? urls.objects(),
    objectsOrigin: () => (bucketUrl === null ? new URL(urls.objects()).origin : new URL(bucketUrl).origin),
    otherOrigins: () => [...otherUrls, ...(endpointStore ? [urls.objects()] : [])].map((url) => new URL(url).origin),
    isDraining: () => draining.value,
    readiness,
    requests,
    sinks,
    metrics,
    version: packageVersion,
    explain: endpointStore === null ? null : explain,
    limit: rates.limit,
    limitRequests: rates.limitRequests,
    countFailure: rates.countFailure,
    testRoutes: testMode && testState ? await openTestRoutes(testMode, testState, o.dev ?? false) : null,
    settings: () => listSettings(config, o.loaded ?? null),
  })
  const objects =
    endpointStore !== null
      ? createObjectsApp({
          store: endpointStore,
          keys: keyRing,
          ...(testMode && {
            development: {
              accessKeys: testMode.accessKeyIds,
              createsBuckets: testMode.createsBuckets,
              anyHost: testMode.anyHost,
            },
          }),
          region: config.objects.region,
          gatewayBucket: config.storage.bucket,
          gatewayOwner,
          publicPrefix,
          publicUrl: urls.objects,
          trustedProxies: config.server.trustedProxies,
          pathPrefix,
          virtualHosts: config.objects.virtualHosts,
          acceptsVersion2: createVersion2Rule(config, { dev: dev || testMode !== undefined, url: urls.objects }),
          // The console uploads from the API's own origin, listed or not.
          corsOrigins: () => [...config.cors.origins, new URL(urls.api()).origin],
          maxGatewayPut: config.uploads.maxSize,
          inlineTypes: config.downloads.inlineTypes,
          sendfile: config.objects.sendfile,
          publicObject: (ref) => publicObject(service, ref),
          grantedWrite: (ref) => grantedWrite(service, ref),
          onObjectWritten: (ref) => settleWrittenObject(service, ref),
          isOwnToken,
          writes,
          links: { isAlive: (id) => catalog.isLinkAlive(id, now()) },
          admitPart: (ref, part) => admitPart(service, ref, part),
          sinks,
          log: o.log,
          now,
        })
      : null
  const collector = createCollector(service, { mayDelete: clock.isSteady })
  const noting = createNoting(service)
  const dispatcher = config.webhooks.length === 0 ? null : await openDispatcher(service)
  const servers: HttpServer[] = []
  const connectionLimit = createConnectionLimit({
    total: config.limits.connections,
    here: connectionsHere(config.limits.connections, { log: o.log }),
    perClient: config.limits.connectionsPerClient,
    trustedProxies: config.server.trustedProxies,
    counts: peers.counts('connections'),
  })

  const shared = objects !== null && config.objects.listen === 'shared'
  const handler = shared ? sharedPort(api, objects, pathPrefix) : (api.callback() as RequestHandler)

  let started = false
  function start(): void {
    if (started || draining.value) return
    started = true
    readiness.start()
    if (peers.index === 0) {
      generations.start()
      collector.start()
      noting.start()
      dispatcher?.start()
    }
    void metrics.start()
  }

  async function listen(): Promise<{ apiUrl: string; objectsUrl: string | null }> {
    const serve = async (answer: RequestHandler, at: ListenAddress, words: PlainAnswer): Promise<string> => {
      const { shutdownTimeout } = config.server
      const server = createServer(answer, { plainAnswer: words, connectionLimit, log: o.log, shutdownTimeout })
      servers.push(server)
      return server.listen({ ...at, reusePort: hasOwnSocket(at, peers.count) })
    }
    const objectsListen = config.objects.listen
    if (objects && objectsListen !== 'shared') {
      urls.bound.objects = await serve(objects.callback(), objectsListen, plainAnswer)
    }
    urls.bound.api = await serve(handler, config.server.listen, plainProblem)
    start()
    return { apiUrl: urls.api(), objectsUrl: objects ? urls.objects() : null }
  }

  let closing: Promise<void> | null = null
  async function shutDown(): Promise<void> {
    draining.value = true
    requests.close()
    await Promise.all([
      readiness.stop(),
      collector.stop(),
      noting.stop(),
      dispatcher?.stop(),
      ...servers.map((server) => server.close()),
    ])
    await generations.stop()
    await leave()
    rates.close()
    clock.stop()
    await catalog.close()
    await Promise.all(service.stores.all.map((store) => store.close()))
    await audit?.close()
    await tracing?.close().catch((err: unknown) => o.log.warn({ err }, 'the last spans could not be sent'))
  }

  const close = (): Promise<void> => (closing ??= shutDown())
  return {
    config,
    api,
    objects,
    handler,
    driver,
    stores: service.stores,
    catalog,
    testState,
    readiness,
    start,
    listen,
    close,
  }
}

/** Loaded where it is wanted: it is large. */
async function openTracing(): Promise<Tracing> {
  const { startTracing } = await import('./metrics/tracing.ts')
  return startTracing({ version: packageVersion() })
}

/** Loaded in test mode only. */
async function openTestState(o: { mode: TestMode; catalog: Catalog; driver: StorageDriver }): Promise<TestState> {
  const { createTestState } = await import('./testing/test-state.ts')
  return createTestState(o)
}

async function openTestRoutes(mode: TestMode, state: TestState, hostChecks: boolean): Promise<Middleware> {
  const { testRoutes } = await import('./testing/test-routes.ts')
  return testRoutes(mode, state, { hostChecks })
}

/** Loaded only where somebody is to be told of something. */
async function openDispatcher(service: ServiceDeps): Promise<Dispatcher> {
  const { createDispatcher } = await import('./webhooks/dispatcher.ts')
  return createDispatcher(service, service.config.webhooks)
}
