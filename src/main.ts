/** Composition root: the only file that constructs everything. */
import { createSecretKey } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type Koa from 'koa'
import type { Logger } from 'pino'
import { createApi } from './api/app.ts'
import type { Catalog } from './catalog/catalog.ts'
import { createCatalog } from './catalog/create-catalog.ts'
import { openLiveKeys } from './config/live-keys.ts'
import type { Config } from './config/schema.ts'
import type { ListenAddress } from './config/values.ts'
import type { Secrets } from './config/secrets.ts'
import { createDiskDriver } from './drivers/disk/disk-driver.ts'
import type { StorageDriver } from './drivers/driver.ts'
import { createServer, type HttpServer, type HttpServerOptions } from './http/server.ts'
import { createObjectsApp } from './s3/app.ts'
import { plainAnswer } from './s3/error-response.ts'
import { createKeyRing } from './s3/key-ring.ts'
import { admitPart } from './service/admit-part.ts'
import { createCollector } from './service/collector.ts'
import { settleWrittenObject } from './service/settle-auto-confirm.ts'
import type { SigningCredentials } from './sigv4/types.ts'

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
  o: GatewayOptions & { objectsUrl?: () => string; signing?: () => SigningCredentials; sweepOnStart?: boolean },
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
    return createDiskDriver({ ...disk, ...endpoint, bucket, sweepOnStart: o.sweepOnStart ?? false, log: o.log })
  }
  const [{ createS3Driver }, { createProxiedDriver }] = await Promise.all([
    import('./drivers/s3/s3-driver.ts'),
    import('./drivers/proxied/proxied-driver.ts'),
  ])
  const { publicBaseUrl } = downloads
  const store = await createS3Driver({ ...storage.s3, bucket: storage.bucket, publicBaseUrl, now, log: o.log })
  return storage.delivery === 'proxied' ? createProxiedDriver(store, endpoint) : store
}

/** Whether URLs point to this process: the disk driver's always, a bucket's where it is proxied. */
const servesObjects = ({ storage }: Config): boolean => storage.driver === 'disk' || storage.delivery === 'proxied'

export async function createGateway(config: Config, o: GatewayOptions): Promise<Gateway> {
  const now = o.now ?? (() => new Date())
  const bound: { api: string | null; objects: string | null } = { api: null, objects: null }
  const apiUrl = (): string => baseUrl(config.server.publicUrl, bound.api ?? listenUrl(config.server.listen))
  const objectsUrl = (): string => objectsBaseUrl(config, config.objects.listen === 'shared' ? apiUrl() : bound.objects)

  const { path: folder } = config.storage.disk
  const keys = openLiveKeys({ folder, secrets: o.secrets, configured: config.keys, log: o.log })

  const driver = await createStorage(config, { ...o, now, objectsUrl, signing: keys.signing, sweepOnStart: true })
  const catalog = await createCatalog({ url: config.database.url })
  await catalog.migrate()

  const bucketUrl = servesObjects(config) ? null : await urlOfBucket(driver, config)
  const service = { driver, catalog, config, now, log: o.log, urls: { api: apiUrl } }
  const draining = { value: false }
  const api = createApi({
    ...service,
    jwtSecret: createSecretKey(Buffer.from(config.auth.secret === 'auto' ? o.secrets.jwtSecret : config.auth.secret)),
    objectsOrigin: () => (bucketUrl === null ? new URL(objectsUrl()).origin : new URL(bucketUrl).origin),
    dev: o.dev ?? false,
    isDraining: () => draining.value,
  })
  const objects =
    bucketUrl === null
      ? createObjectsApp({
          store: driver,
          keys: createKeyRing(keys, now),
          region: config.objects.region,
          gatewayBucket: config.storage.bucket,
          gatewayOwner,
          publicPrefix,
          publicUrl: objectsUrl,
          trustedProxies: config.server.trustedProxies,
          pathPrefix: createPathPrefix(objectsUrl),
          virtualHosts: config.objects.virtualHosts,
          // The console uploads from the API's own origin, listed or not.
          corsOrigins: () => [...config.cors.origins, new URL(apiUrl()).origin],
          maxGatewayPut: config.uploads.maxSize,
          inlineTypes: config.downloads.inlineTypes,
          onObjectWritten: (ref) => settleWrittenObject(service, ref),
          admitPart: (ref, part) => admitPart(service, ref, part),
          log: o.log,
          now,
        })
      : null
  const collector = createCollector(service)
  const servers: HttpServer[] = []

  async function listen(): Promise<{ apiUrl: string; objectsUrl: string | null }> {
    const serve = async (
      handler: RequestHandler,
      at: ListenAddress,
      early: Pick<HttpServerOptions, 'plainAnswer'> = {},
    ): Promise<string> => {
      const server = createServer(handler, { ...early, log: o.log, shutdownTimeout: config.server.shutdownTimeout })
      servers.push(server)
      return server.listen(at)
    }
    const objectsListen = config.objects.listen
    if (objects && objectsListen !== 'shared') {
      bound.objects = await serve(objects.callback(), objectsListen, { plainAnswer })
    }
    const handler = objects && objectsListen === 'shared' ? shared(api, objects, objectsUrl) : api.callback()
    bound.api = await serve(handler, config.server.listen)
    collector.start()
    return { apiUrl: apiUrl(), objectsUrl: objects ? objectsUrl() : null }
  }

  let closing: Promise<void> | null = null
  async function shutDown(): Promise<void> {
    draining.value = true
    await Promise.all([collector.stop(), ...servers.map((server) => server.close())])
    await catalog.close()
    await driver.close()
  }

  return { config, api, objects, driver, catalog, listen, close: () => (closing ??= shutDown()) }
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
