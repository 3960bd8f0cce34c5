import type { Context, Middleware } from 'koa'
import type { Explanation } from '../explain/explanation.ts'
import type { RequestSink } from '../http/request-event.ts'
import type { RequestLog } from '../http/request-log.ts'
import type { ServiceDeps } from '../service/deps.ts'
import type { Readiness } from '../service/readiness.ts'
import type { CountFailure, RateLimit } from './rate-limit.ts'
import type { TokenSecrets, VerifyToken } from './token.ts'
import type { WatchRequests } from './watch-requests.ts'

export type ApiDeps = ServiceDeps & {
  /** Verify HS256 tokens; the first one also signs. */
  tokens: TokenSecrets
  /** Shared with the objects endpoint, so that the key set is fetched once. */
  verifyToken: VerifyToken
  /** Where presigned URLs point: the console's page may talk to it. */
  objectsOrigin: () => string
  /** The S3 endpoint, for clients that came here by mistake. Default: `objectsOrigin`. */
  objectsUrl?: () => string
  /** Likewise of the store that was in use before, while files are in it. */
  otherOrigin?: () => string
  /** Requests without credentials are the user `dev`, from loopback only. */
  dev: boolean
  isDraining: () => boolean
  /** Whether uploads can be taken now. */
  readiness: Pick<Readiness, 'read'>
  /** Asked before an upload URL is issued. */
  limit: RateLimit
  /** Asked for every request of a user. */
  limitRequests: RateLimit
  /** Told of each credential that is refused. */
  countFailure: CountFailure
  /** Handed the event of each answered request. */
  sinks: readonly RequestSink[]
  /** The text of GET /metrics. */
  metrics: { expose(): Promise<{ contentType: string; text: string }> }
  /** Of this program. */
  version: () => string
  /** What both apps have answered, as it happens. */
  requests: RequestLog
  /** Why a signed request to the objects endpoint was refused, worked out anew; null where a bucket answers them. */
  explain:
    | ((request: { method: string; target: string; rawHeaders: readonly string[] }, at: Date) => Explanation)
    | null
  /** The `/_test` routes; null unless in test mode. */
  testRoutes?: Middleware | null
  /** The effective configuration, masked. */
  settings: () => Setting[]
}

/** What the routes are handed beside: made once for the app. */
export type RouteDeps = ApiDeps & { watch: WatchRequests }

/** One key of the configuration, fit to be shown. */
export type Setting = {
  /** Dotted, e.g. `storage.disk.path`. */
  key: string
  /** As a file would hold it (`5GiB`, `15m`); secrets are masked. */
  value: unknown
  /** The value of config/default.yaml. */
  default: unknown
  source: { from: 'default' | 'file' | 'variable' | 'flag' | 'derived' | 'program'; text: string }
  /** The environment variable that sets it. */
  variable: string
  secret: boolean
  /** What config/default.yaml says about it. */
  description: string
}

/** What a route is handed: `user` is the authenticated `sub`, `body` the parsed JSON, `{}` where none was sent. */
export type Call = {
  ctx: Context
  deps: RouteDeps
  user: string
  /** Named in auth.admins, or the user of `--dev`: sees what concerns everybody. */
  admin: boolean
  body: unknown
}

export type Route = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  /** `anyone` needs no credentials; `user` is then empty. */
  access: 'user' | 'admin' | 'operator' | 'anyone'
  /** Counted against limits.issuePerMinute. */
  issues?: true
  /** Hands out URLs for uploads: refused while the server is not ready. */
  grants?: true
  /** A GET that is not safe: it answers no HEAD, and no page of another site can have it sent by a link or an image. */
  changes?: true
  /** Bytes that the JSON body may have, where it is more than usual. */
  maxBody?: number
  run: (call: Call) => Promise<void>
}

/** What the router needs beside the routes. */
export type Gate = {
  authenticate: (ctx: Context, o?: { changes?: boolean }) => Promise<Identity>
  limit: RateLimit
  limitRequests: RateLimit
}

export type Identity = { user: string; via: 'bearer' | 'cookie' | 'dev' | 'anonymous' }
