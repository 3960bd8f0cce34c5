import type { ServerResponse } from 'node:http'
import type { Context, Middleware } from 'koa'
import type { Explanation } from '../explain/explanation.ts'
import type { DetailsUrl } from '../http/advice.ts'
import type { Interceptor } from '../http/intercept.ts'
import type { RequestSink } from '../http/request-event.ts'
import type { RequestLog } from '../http/request-log.ts'
import type { ServiceDeps } from '../service/deps.ts'
import type { Readiness } from '../service/stores/readiness.ts'
import type { Setting } from './contract.ts'
import type { TokenSecrets, VerifyToken } from './token.ts'

/** Counts a rejected credential. Errors: TooManyRequests, instead of the original error. */
export type CountFailure = (ctx: Context) => Promise<void>

/** Errors: TooManyRequests, with the seconds to wait. */
export type RateLimit = (ctx: Context, who: Identity) => Promise<void>

/** Streams requests to one reader. Errors: TooManyRequests. */
export type WatchRequests = (res: ServerResponse, who: { user: string; admin: boolean; lastId: string }) => void

export type ApiDeps = ServiceDeps & {
  /** Secrets that verify HS256 tokens. The first also signs. */
  tokens: TokenSecrets
  /** Shared with the objects endpoint, so that the key set is fetched once. */
  verifyToken: VerifyToken
  /** The origin of presigned URLs. The console may connect to it. */
  objectsOrigin: () => string
  /** The S3 endpoint, for S3 clients configured with the API's URL. Default: `objectsOrigin`. */
  objectsUrl?: () => string
  /** The origins of other stores' URLs while files remain in them. */
  otherOrigins?: () => string[]
  /** Requests without credentials act as the user `dev`, from loopback only. */
  dev: boolean
  /** In development mode, the page of the console about a refused request. Refusals then carry advice. */
  detailsUrl: DetailsUrl | null
  /** In development mode, the folder of the secrets, for commands on the developer's machine. */
  secretsFolder: string | null
  isDraining: () => boolean
  /** Whether the server can accept uploads. */
  readiness: Pick<Readiness, 'read'>
  /** Limits upload URLs. */
  limit: RateLimit
  /** Limits a user's requests. */
  limitRequests: RateLimit
  /** Counts each rejected credential. */
  countFailure: CountFailure
  /** Receive the event of each answered request. */
  sinks: readonly RequestSink[]
  /** Renders GET /metrics. */
  metrics: { expose(): Promise<{ contentType: string; text: string }> }
  /** The version of this program. */
  version: () => string
  /** The requests that both apps answered. */
  requests: RequestLog
  /** Explains why a signed request to the objects endpoint was refused. null if a bucket answers such requests. */
  explain:
    | ((request: { method: string; target: string; rawHeaders: readonly string[] }, at: Date) => Explanation)
    | null
  /** In test mode: injects faults. */
  intercept?: Interceptor
  /** The `/_test` routes. null unless in test mode. */
  testRoutes?: Middleware | null
  /** The effective configuration with masked secrets. */
  settings: () => Setting[]
}

/** Dependencies of the routes, created once per app. */
export type RouteDeps = ApiDeps & { watch: WatchRequests }

/** The input of a route. `user` is the authenticated `sub`, `body` the parsed JSON (`{}` without a body). */
export type Call = {
  ctx: Context
  deps: RouteDeps
  user: string
  /** Whether the user is listed in auth.admins or is the user of `--dev`. */
  admin: boolean
  body: unknown
}

export type Route = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  /** `anyone` needs no credentials and leaves `user` empty. */
  access: 'user' | 'admin' | 'operator' | 'anyone'
  /** Counts against limits.issuePerMinute. */
  issues?: true
  /** Issues upload URLs. Refused while the server is not ready. */
  grants?: true
  /** A GET with side effects. It answers no HEAD and cannot be triggered by another site's link or image. */
  changes?: true
  /** Bytes. The limit of the JSON body, if it differs from the default. */
  maxBody?: number
  run: (call: Call) => Promise<void>
}

/** The router's dependencies in addition to the routes. */
export type Gate = {
  authenticate: (ctx: Context, o?: { changes?: boolean }) => Promise<Identity>
  limit: RateLimit
  limitRequests: RateLimit
}

export type Identity = { user: string; via: 'bearer' | 'cookie' | 'dev' | 'anonymous' }
