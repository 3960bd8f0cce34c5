/** Composition root: the only file that constructs everything. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type Koa from 'koa'
import type { Logger } from 'pino'
import { createApi, type ApiDeps } from './api/app.ts'
import { createRateLimit } from './api/rate-limit.ts'
import { plainProblem } from './api/plain-problem.ts'
import type { Catalog } from './catalog/catalog.ts'
import { createCatalog } from './catalog/create-catalog.ts'
import { agreementOf, joinInstances } from './cluster/instances.ts'
import { hasOwnSocket } from './cluster/share-port.ts'
import { openLiveKeys } from './config/live-keys.ts'
import { packageVersion } from './config/package-version.ts'
import { listSettings } from './config/list-settings.ts'
import type { LoadedConfig } from './config/load-config.ts'
import type { Config } from './config/schema.ts'
import type { ListenAddress } from './config/values.ts'
import type { Secrets } from './config/secrets.ts'
import { createDiskDriver, type DiskDriverOptions } from './drivers/disk/disk-driver.ts'
import type { StorageDriver } from './drivers/driver.ts'
import { alone, type Peers } from './drivers/peers.ts'
import { explainRequest } from './explain/explain-request.ts'
import type { PlainAnswer } from './http/connection-error.ts'
import { createConnectionLimit } from './http/connection-limit.ts'
import { openAuditLog } from './http/audit-log.ts'
import type { Observer } from './http/observe-requests.ts'
import { createRequestLog } from './http/request-log.ts'
import { createServer, type HttpServer } from './http/server.ts'
import { gaugesOf } from './metrics/gauges.ts'
import { createMetrics } from './metrics/metrics.ts'
import type { Tracing } from './metrics/tracing.ts'
import { createObjectsApp } from './s3/app.ts'
import { createKeyRing } from './s3/key-ring.ts'
import { plainAnswer } from './s3/plain-answer.ts'
import { admitPart } from './service/admit-part.ts'
import { createCollector } from './service/collector.ts'
import type { ServiceDeps } from './service/deps.ts'
import { settleWrittenObject } from './service/settle-auto-confirm.ts'
import type { SigningCredentials } from './sigv4/types.ts'
import type { Dispatcher } from './webhooks/dispatcher.ts'

/** The owner of the gateway's own access key and of its bucket. */
export const gatewayOwner = 'postern'
/** Below this prefix of the gateway's bucket anyone may read. */
export const publicPrefix = 'public/'

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
  /** How the configuration was read: then the console's settings say where each value came from. */
  loaded?: LoadedConfig
}

export type Gateway = {
  readonly config: Config
  /** The JSON API and the console. */
  readonly api: Koa
  /** The S3-compatible endpoint; null where URLs point to a bucket. */
  readonly objects: Koa | null
  readonly driver: StorageDriver
  readonly catalog: Catalog
  /** Starts the listeners of `server.listen` and `objects.listen`. The URLs are those of the configuration, or what was bound. */
  listen(): Promise<{ apiUrl: string; objectsUrl: string | null }>
  /** Drains: no new connections, running requests end, then the stores are closed. Repeatable. */
  close(): Promise<void>
}

/** The storage driver of a configuration, alone. `objectsUrl` is where the disk driver's URLs point. */
export async function createStorage(
  config: Config,
  o: GatewayOptions & {
    objectsUrl?: () => string
    signing?: () => SigningCredentials
    sweepOnStart?: DiskDriverOptions['sweepOnStart']
  },
): Promise<StorageDriver> {
  const { storage, objects, downloads } = config
  const now = o.now ?? (() => new Date())
  const endpoint = {
    publicUrl: o.objectsUrl ?? (() => objectsBaseUrl(config, null)),
    region: objects.region,
    credentials: o.signing ?? o.secrets.signing,
    now,
  }
  if (storage.driver === 'disk') {
    const { bucket, disk } = storage
    return createDiskDriver({
      ...disk,
      groupReads: objects.sendfile !== 'off',
      ...endpoint,
      bucket,
      sweepOnStart: o.sweepOnStart ?? false,
      peers: o.peers ?? alone,
      log: o.log,
    })
  }
  const [{ createS3Driver }, { createProxiedDriver }] = await Promise.all([
    import('./drivers/s3/s3-driver.ts'),
    import('./drivers/proxied/proxied-driver.ts'),
  ])
  const { publicBaseUrl } = downloads
  const store = await createS3Driver({ ...storage.s3, bucket: storage.bucket, publicBaseUrl, now, log: o.log })
  return storage.delivery === 'proxied' ? createProxiedDriver(store, { ...endpoint, peers: o.peers ?? alone }) : store
}

/** What this process shares with others: the catalog, migrated, and the counts of the rate limit. */
async function joinOthers(
  config: Config,
  o: GatewayOptions & { now: () => Date; peers: Peers; signing: () => SigningCredentials },
) {
  const subscribers = config.webhooks.map(({ url, events }) => ({ url, events }))
  const catalog = await createCatalog({ url: config.database.url, subscribers })
  try {
    await catalog.migrate()
    const agreement = () => agreementOf(config, { jwtSecret: o.secrets.jwtSecret, signing: o.signing() })
    const join = () => joinInstances({ config, catalog, agreement, now: o.now, log: o.log })
    const membership = o.peers.index === 0 ? await join() : null
    const rates = await createRateLimit(config, { log: o.log, isWorker: o.peers.count > 1 })
    return { catalog, rates, leave: async () => membership?.leave() }
  } catch (error) {
    // Connections that nobody uses would keep the process.
    await catalog.close().catch(() => {})
    throw error
  }
}

/** What the disk is swept of at the start: one of the workers does it, and not what the others are writing. */
function houseKeeping({ index, isReplacement }: Peers): DiskDriverOptions['sweepOnStart'] {
  return index === 0 && (isReplacement ? 'beside-others' : true)
}

/** Whether URLs point to this process: the disk driver's always, a bucket's where it is proxied. */
const servesObjects = ({ storage }: Config): boolean => storage.driver === 'disk' || storage.delivery === 'proxied'

export async function createGateway(config: Config, o: GatewayOptions): Promise<Gateway> {
  const now = o.now ?? (() => new Date())
  const peers = o.peers ?? alone
  const bound: { api: string | null; objects: string | null } = { api: null, objects: null }
  const apiUrl = (): string => baseUrl(config.server.publicUrl, bound.api ?? listenUrl(config.server.listen))
  const objectsUrl = (): string => objectsBaseUrl(config, config.objects.listen === 'shared' ? apiUrl() : bound.objects)

  const { path: folder } = config.storage.disk
  const keys = openLiveKeys({
    folder,
    secrets: o.secrets,
    configured: config.keys,
    authSecret: config.auth.secret,
    log: o.log,
  })

  const driver = await createStorage(config, {
    ...o,
    now,
    objectsUrl,
    signing: keys.signing,
    peers,
    sweepOnStart: houseKeeping(peers),
  })
  const { catalog, rates, leave } = await joinOthers(config, { ...o, now, peers, signing: keys.signing })

  const bucketUrl = servesObjects(config) ? null : await urlOfBucket(driver, config)
  const service = { driver, catalog, config, now, log: o.log, urls: { api: apiUrl } }
  const draining = { value: false }
  const requests = createRequestLog()
  const metrics = createMetrics(gaugesOf({ catalog, driver, config }), peers)
  const audit = config.log.audit === null ? null : openAuditLog(config.log.audit, o.log)
  const tracing = o.tracing === true ? await openTracing() : null
  const observe: Observer = (request) => {
    metrics.observe(request)
    audit?.note(request)
    tracing?.observe(request)
  }
  const keyRing = createKeyRing(keys, now)
  const pathPrefix = createPathPrefix(objectsUrl)
  const explain: ApiDeps['explain'] = (request, at) =>
    explainRequest(
      { ...request, pathPrefix: pathPrefix() },
      { region: config.objects.region, keys: keyRing, now: at, hosts: [new URL(objectsUrl()).host] },
    )
  const api = createApi({
    ...service,
    tokens: { accepted: keys.tokens, lookAgain: keys.lookAgain },
    objectsOrigin: () => (bucketUrl === null ? new URL(objectsUrl()).origin : new URL(bucketUrl).origin),
    dev: o.dev ?? false,
    isDraining: () => draining.value,
    requests,
    observe,
    metrics,
    version: packageVersion,
    explain: bucketUrl === null ? explain : null,
    limit: rates.limit,
    settings: () => listSettings(config, o.loaded ?? null),
  })
  const objects =
    bucketUrl === null
      ? createObjectsApp({
          store: driver,
          keys: keyRing,
          region: config.objects.region,
          gatewayBucket: config.storage.bucket,
          gatewayOwner,
          publicPrefix,
          publicUrl: objectsUrl,
          trustedProxies: config.server.trustedProxies,
          pathPrefix,
          virtualHosts: config.objects.virtualHosts,
          // The console uploads from the API's own origin, listed or not.
          corsOrigins: () => [...config.cors.origins, new URL(apiUrl()).origin],
          maxGatewayPut: config.uploads.maxSize,
          inlineTypes: config.downloads.inlineTypes,
          sendfile: config.objects.sendfile,
          onObjectWritten: (ref) => settleWrittenObject(service, ref),
          links: { isAlive: (id) => catalog.isLinkAlive(id, now()) },
          admitPart: (ref, part) => admitPart(service, ref, part),
          requests,
          observe,
          log: o.log,
          now,
        })
      : null
  const collector = createCollector(service)
  const dispatcher = config.webhooks.length === 0 ? null : await openDispatcher(service)
  const servers: HttpServer[] = []
  const connectionLimit = createConnectionLimit({
    total: config.limits.connections,
    perClient: config.limits.connectionsPerClient,
    trustedProxies: config.server.trustedProxies,
  })

  async function listen(): Promise<{ apiUrl: string; objectsUrl: string | null }> {
    const serve = async (handler: RequestHandler, at: ListenAddress, words: PlainAnswer): Promise<string> => {
      const { shutdownTimeout } = config.server
      const server = createServer(handler, { plainAnswer: words, connectionLimit, log: o.log, shutdownTimeout })
      servers.push(server)
      return server.listen({ ...at, reusePort: hasOwnSocket(at, peers.count) })
    }
    const objectsListen = config.objects.listen
    if (objects && objectsListen !== 'shared') {
      bound.objects = await serve(objects.callback(), objectsListen, plainAnswer)
    }
    const handler = objects && objectsListen === 'shared' ? shared(api, objects, objectsUrl) : api.callback()
    bound.api = await serve(handler, config.server.listen, plainProblem)
    if (peers.index === 0) {
      collector.start()
      dispatcher?.start()
    }
    void metrics.start()
    return { apiUrl: apiUrl(), objectsUrl: objects ? objectsUrl() : null }
  }

  let closing: Promise<void> | null = null
  async function shutDown(): Promise<void> {
    draining.value = true
    requests.close()
    await Promise.all([collector.stop(), dispatcher?.stop(), ...servers.map((server) => server.close())])
    await leave()
    rates.close()
    await catalog.close()
    await driver.close()
    audit?.close()
    await tracing?.close().catch((err: unknown) => o.log.warn({ err }, 'the last spans could not be sent'))
  }

  return { config, api, objects, driver, catalog, listen, close: () => (closing ??= shutDown()) }
}

/** Loaded where it is wanted: it is large. */
async function openTracing(): Promise<Tracing> {
  const { startTracing } = await import('./metrics/tracing.ts')
  return startTracing({ version: packageVersion() })
}

/** Loaded only where somebody is to be told of something. */
async function openDispatcher(service: ServiceDeps): Promise<Dispatcher> {
  const { createDispatcher } = await import('./webhooks/dispatcher.ts')
  return createDispatcher(service, service.config.webhooks)
}

/** The path of a URL without a slash at its end; asked by every request, and the same until the listeners are bound. */
function createPathPrefix(url: () => string): () => string {
  let last = { url: '', path: '' }
  return () => {
    const now = url()
    if (now !== last.url) last = { url: now, path: new URL(now).pathname.replace(/\/$/, '') }
    return last.path
  }
}

type RequestHandler = (req: IncomingMessage, res: ServerResponse) => void

/** One port for both origins: what lies below the objects URL's path goes to the objects endpoint. */
function shared(api: Koa, objects: Koa, objectsUrl: () => string): RequestHandler {
  const toApi = api.callback()
  const toObjects = objects.callback()
  const pathPrefix = createPathPrefix(objectsUrl)
  return (req, res) => {
    const prefix = pathPrefix()
    const target = req.url ?? '/'
    const below = target.startsWith(prefix) && /^[/?]|^$/.test(target.slice(prefix.length))
    void (below ? toObjects : toApi)(req, res)
  }
}

const sharedPrefix = '/objects'

function objectsBaseUrl(config: Config, bound: string | null): string {
  const { listen, publicUrl } = config.objects
  if (listen === 'shared') return baseUrl(publicUrl, (bound ?? listenUrl(config.server.listen)) + sharedPrefix)
  return baseUrl(publicUrl, bound ?? listenUrl(listen))
}

const baseUrl = (configured: string, actual: string): string =>
  (configured === 'auto' ? actual : configured).replace(/\/+$/, '')

function listenUrl({ host, port }: { host: string; port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Where the browser will go for bytes: whatever host the presigned URLs name. */
async function urlOfBucket(driver: StorageDriver, { storage }: Config): Promise<string> {
  try {
    return (await driver.presignHead({ bucket: storage.bucket, key: 'origin' }, { expiresIn: 60 })).url
  } catch {
    // No credentials yet: the start goes on, and readiness tells.
    return storage.s3.publicEndpoint ?? storage.s3.endpoint ?? `https://${storage.bucket}.s3.amazonaws.com`
  }
}
