/** Which pages may act with a user's cookie, and what counts as this machine. */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { Config } from '../config/schema.ts'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether another site may have made the browser send this request. A page tells by Origin; where it is absent,
 * Sec-Fetch-Site tells for requests that change something. Clients that are no browsers send neither.
 */
export function isForeign(req: IncomingMessage, o: { config: Config; apiUrl: string }): boolean {
  const { origin } = req.headers
  if (origin !== undefined) return !isOwnOrigin(origin, req.headers.host, o) && !isListedOrigin(origin, o.config)
  const site = req.headers['sec-fetch-site']
  return !safeMethods.has(req.method ?? '') && (site === 'cross-site' || site === 'same-site')
}

/** Sent for a link, an image or a form of another site: what a script fetches from one tells its Origin. */
export function isEmbedded({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  return headers.origin === undefined && (site === 'cross-site' || site === 'same-site')
}

const isListedOrigin = (origin: string, { cors }: Config): boolean => origin !== '*' && cors.origins.includes(origin)

function isOwnOrigin(origin: string, host: string | undefined, o: { config: Config; apiUrl: string }): boolean {
  if (origin === new URL(o.apiUrl).origin) return true
  // Without a configured URL the server answers to whatever name it was reached by.
  return o.config.server.publicUrl === 'auto' && host !== undefined && hostOf(origin) === host.toLowerCase()
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const isLoopbackAddress = (address: string): boolean => {
  const plain = address.replace(/^::ffff:/i, '')
  const family = isIP(plain)
  return family !== 0 && loopback.check(plain, family === 6 ? 'ipv6' : 'ipv4')
}

export function isLoopbackHost(authority: string | undefined): boolean {
  if (authority === undefined || !URL.canParse(`http://${authority}`)) return false
  const { hostname, username, password } = new URL(`http://${authority}`)
  if (username !== '' || password !== '') return false
  return hostname === 'localhost' || isLoopbackAddress(hostname.replace(/^\[|\]$/g, ''))
}

/** What proxies add; Host and peer are then the proxy's own. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

/** Sent from this machine, to a name of this machine, by no page from elsewhere, and passed on by no proxy. */
export function isLocal(req: IncomingMessage): boolean {
  const { host, origin } = req.headers
  // The usual proxy, as it is installed, adds no header and rewrites Host; what it sends on is HTTP/1.0.
  if (req.httpVersion === '1.0') return false
  if (proxyHeaders.some((name) => req.headers[name] !== undefined)) return false
  if (!isLoopbackAddress(req.socket.remoteAddress ?? '') || !isLoopbackHost(host)) return false
  if (origin !== undefined) return /^https?:\/\//.test(origin) && isLoopbackHost(origin.replace(/^https?:\/\//, ''))
  return safeMethods.has(req.method ?? '') || req.headers['sec-fetch-site'] !== 'cross-site'
}
