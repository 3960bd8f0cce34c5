/** Which pages may use a user's cookie, and which requests count as local. */
import type { IncomingMessage } from 'node:http'
import type { Config } from '../config/config.ts'
import { isDevelopmentHost, isDevelopmentOrigin } from '../http/development-host.ts'
import { isLoopbackHost, isUnproxied, servesLoopbackOnly } from '../http/loopback.ts'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether another site may have made the browser send this request with a user's cookie. A page is identified by its
 * Origin. A request with side effects needs proof that no other site sent it, because browsers send neither
 * `Sec-Fetch-Site` to plain HTTP nor `Origin` with every GET. Clients other than browsers send JSON or a header that
 * no other site can send.
 */
export function isForeign(
  { method, headers }: IncomingMessage,
  o: { config: Config; apiUrl: string; changes: boolean },
): boolean {
  const { origin } = headers
  if (origin !== undefined) return !isAllowedOrigin(origin, headers.host, o)
  if (safeMethods.has(method ?? '') && !o.changes) return false
  const site = headers['sec-fetch-site']
  if (site === 'same-origin') return false
  if (site === 'cross-site' || site === 'same-site') return true
  return !hasHeaderOfOwnScript(headers) && !isAllowedReferer(headers.referer, headers.host, o)
}

const isAllowedOrigin = (origin: string, host: string | undefined, o: { config: Config; apiUrl: string }): boolean =>
  isOwnOrigin(origin, host, o) || isListedOrigin(origin, o.config)

/** Uppy 6 sends no custom header. On plain HTTP, only Referer identifies the page of a script. */
const isAllowedReferer = (
  referer: string | undefined,
  host: string | undefined,
  o: { config: Config; apiUrl: string },
) => referer !== undefined && URL.canParse(referer) && isAllowedOrigin(new URL(referer).origin, host, o)

/** Headers that another site can send only after a preflight, which CORS refuses. */
const scriptHeaders = ['x-requested-with', 'x-csrf-token', 'x-xsrf-token', 'uppy-versions', 'uppy-auth-token'] as const

const hasHeaderOfOwnScript = (headers: IncomingMessage['headers']): boolean =>
  headers['content-type']?.split(';', 1)[0]!.trim().toLowerCase() === 'application/json' ||
  scriptHeaders.some((name) => headers[name] !== undefined)

/**
 * Whether a request without credentials may act as the user `auth.anonymous`. The Host must be a name of this server,
 * which prevents DNS rebinding, and no other site may have sent the request.
 */
export function isForAnonymous(req: IncomingMessage, o: { config: Config; apiUrl: string }): boolean {
  const { host, origin } = req.headers
  const isOwnHost = host !== undefined && host.toLowerCase() === new URL(o.apiUrl).host
  if (!isOwnHost && !isLoopbackHost(host)) return false
  if (origin !== undefined)
    return isAllowedOrigin(origin, host, o) || (isLoopbackHost(host) && isLoopbackOrigin(origin))
  return safeMethods.has(req.method ?? '') || req.headers['sec-fetch-site'] !== 'cross-site'
}

/** Sent for another site's link, image or form. Cross-origin scripts send Origin. */
export function isEmbedded({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  return headers.origin === undefined && (site === 'cross-site' || site === 'same-site')
}

const isListedOrigin = (origin: string, { cors }: Config): boolean => origin !== '*' && cors.origins.includes(origin)

function isOwnOrigin(origin: string, host: string | undefined, o: { config: Config; apiUrl: string }): boolean {
  if (origin === new URL(o.apiUrl).origin) return true
  // Without a configured URL, the server accepts the name it was reached by.
  return o.config.server.publicUrl === 'auto' && host !== undefined && hostOf(origin) === host.toLowerCase()
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

const isLoopbackOrigin = (origin: string): boolean =>
  /^https?:\/\//.test(origin) && isLoopbackHost(origin.replace(/^https?:\/\//, ''))
/**
 * Whether the server is reachable only from this machine and the request came from it. Operator details may then be
 * shown. A server behind a proxy on the same machine is not on loopback.
 */
export function isOnLoopback(req: IncomingMessage, { config, apiUrl }: { config: Config; apiUrl: string }): boolean {
  const { listen, trustedProxies } = config.server
  return servesLoopbackOnly({ listenHost: listen.host, publicUrl: apiUrl, trustedProxies }) && isLocal(req)
}

/** From a loopback address, with a loopback Host and Origin, and without forwarding headers. */
export const isLocal = (req: IncomingMessage): boolean =>
  isUnproxied(req) && isLoopbackHost(req.headers.host) && isSentBy(req, isLoopbackOrigin)

/** The same in development mode, where `*.test` and `*.localhost` also count as loopback names. */
export const isDeveloper = (req: IncomingMessage): boolean =>
  isUnproxied(req) && isDevelopmentHost(req.headers.host) && isSentBy(req, isDevelopmentOrigin)

function isSentBy({ method, headers }: IncomingMessage, isOfMachine: (origin: string) => boolean): boolean {
  if (headers.origin !== undefined) return isOfMachine(headers.origin)
  return safeMethods.has(method ?? '') || headers['sec-fetch-site'] !== 'cross-site'
}
