/** What counts as this machine: 127.0.0.0/8, ::1 and localhost. */
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

/** A Host header or the authority of a URL. */
export function isLoopbackHost(authority: string | undefined): boolean {
  if (authority === undefined || !URL.canParse(`http://${authority}`)) return false
  const { hostname, username, password } = new URL(`http://${authority}`)
  if (username !== '' || password !== '') return false
  return hostname === 'localhost' || isLoopbackAddress(hostname.replace(/^\[|\]$/g, ''))
}

/** Whether a server listens for this machine alone, under a URL of this machine, and behind no proxy. */
export function servesLoopbackOnly(o: {
  listenHost: string
  publicUrl: string
  trustedProxies: readonly string[]
}): boolean {
  const host = o.listenHost.includes(':') ? `[${o.listenHost.replace(/^\[|\]$/g, '')}]` : o.listenHost
  return isLoopbackHost(host) && isLoopbackHost(new URL(o.publicUrl).host) && o.trustedProxies.length === 0
}

/** What proxies add; Host and peer are then the proxy's own. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

/** Sent from this machine, and passed on by no proxy that can be seen. */
export function isUnproxied(req: IncomingMessage): boolean {
  // The usual proxy, as it is installed, adds no header and rewrites Host; what it sends on is HTTP/1.0.
  if (req.httpVersion === '1.0') return false
  if (proxyHeaders.some((name) => req.headers[name] !== undefined)) return false
  return isLoopbackAddress(req.socket.remoteAddress ?? '')
}
