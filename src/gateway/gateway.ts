/** What a program that embeds Postern passes to `createGateway`, and what it gets. */
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Secrets } from '../config/secrets.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import type { Peers } from '../drivers/peers.ts'
import type { RequestHandler } from '../http/shared-port.ts'
import type { Logger } from '../log.ts'
import type { Readiness } from '../service/stores/readiness.ts'
import type { Stores } from '../service/stores/stores.ts'
import type { TestMode } from '../testing/test-mode.ts'
import type { TestState } from '../testing/test-state.ts'

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
  /** null unless in test mode. */
  readonly testMode: TestMode | null
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

/** The options with their defaults filled in. */
export type ResolvedOptions = GatewayOptions & { dev: boolean; now: () => Date; peers: Peers }
