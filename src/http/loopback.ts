/** What counts as loopback: 127.0.0.0/8, ::1 and localhost. */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

export const isLoopbackAddress = (address: string): boolean => {
  const plain = address.replace(/^::ffff:/i, '')
  const family = isIP(plain)
  return family !== 0 && loopback.check(plain, family === 6 ? 'ipv6' : 'ipv4')
}

/** Takes a Host header or the authority of a URL. */
export function isLoopbackHost(authority: string | undefined): boolean {
  if (authority === undefined || !URL.canParse(`http://${authority}`)) return false
  const { hostname, username, password } = new URL(`http://${authority}`)
  if (username !== '' || password !== '') return false
  return hostname === 'localhost' || isLoopbackAddress(hostname.replace(/^\[|\]$/g, ''))
}

/** Whether a server listens on loopback only, under a loopback URL, without a proxy. */
export function servesLoopbackOnly(o: {
  listenHost: string
  publicUrl: string
  trustedProxies: readonly string[]
}): boolean {
  const host = o.listenHost.includes(':') ? `[${o.listenHost.replace(/^\[|\]$/g, '')}]` : o.listenHost
  return isLoopbackHost(host) && isLoopbackHost(new URL(o.publicUrl).host) && o.trustedProxies.length === 0
}

/** Headers that proxies add. Host and peer are then those of the proxy. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

/** Whether the request came from this machine and shows no sign of a proxy. */
export function isUnproxied(req: IncomingMessage): boolean {
  // A proxy in its default configuration may add no header and rewrite Host, but it sends HTTP/1.0.
  if (req.httpVersion === '1.0') return false
  if (proxyHeaders.some((name) => req.headers[name] !== undefined)) return false
  return isLoopbackAddress(req.socket.remoteAddress ?? '')
}
