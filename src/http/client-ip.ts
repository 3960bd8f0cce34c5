import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/** The client's address, taken from X-Forwarded-For only behind a trusted proxy. */
export type ClientIp = (req: IncomingMessage) => string

/** Whether the peer is a proxy whose X-Forwarded-* headers are trusted. */
export type TrustedPeer = (req: IncomingMessage) => boolean

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Maps `::ffff:10.0.0.1` to 10.0.0.1, so that one address has one name. */
export const plainAddress = (address: string): string =>
  address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '')

function listed(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const known = plainAddress(address)
    if (isIP(known) === 0) throw new TypeError(`server.trustedProxies: "${range}" is not an address or a CIDR range`)
    if (bits === undefined) list.addAddress(known, family(known))
    else list.addSubnet(known, Number(bits), family(known))
  }
  return (address) => isIP(address) !== 0 && list.check(address, family(address))
}

/** Accepts `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1` and `[2001:db8::1]:80`. null for anything else. */
function addressOf(entry: string): string | null {
  const text = entry.trim()
  const bare = /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text
  const address = plainAddress(bare)
  return isIP(address) === 0 ? null : address
}

/** The address by which a client is counted: for IPv6 its /64, because a client may use any address in it. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].slice(0, 4).join(':')
}

/** Whether an address, as returned by `plainAddress`, is in one of the ranges. */
export const createTrustedAddress = listed

export function createTrustedPeer(trustedProxies: readonly string[]): TrustedPeer {
  const trusted = listed(trustedProxies)
  return (req) => trusted(plainAddress(req.socket.remoteAddress ?? ''))
}

/**
 * The right-most address of X-Forwarded-For that is not a trusted proxy. Entries left of it are the client's own
 * claim. Without a trusted peer the header is ignored.
 */
export function createClientIp(trustedProxies: readonly string[]): ClientIp {
  const trusted = listed(trustedProxies)
  return (req) => {
    let nearest = plainAddress(req.socket.remoteAddress ?? '')
    if (trustedProxies.length === 0 || !trusted(nearest)) return nearest
    const header = req.headers['x-forwarded-for']
    const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',')
    for (const hop of hops.toReversed()) {
      const address = addressOf(hop)
      if (address === null) return nearest
      nearest = address
      if (!trusted(address)) return nearest
    }
    return nearest
  }
}
