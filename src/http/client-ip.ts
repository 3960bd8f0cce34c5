import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/** The address a request came from, as far as it can be believed. */
export type ClientIp = (req: IncomingMessage) => string

/** Whether the peer is a proxy whose X-Forwarded-* headers may be believed. */
export type TrustedPeer = (req: IncomingMessage) => boolean

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** `::ffff:10.0.0.1` is 10.0.0.1: one address must not have two names. */
export const plainAddress = (address: string): string =>
  address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '')

function listed(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const known = plainAddress(address)
    if (isIP(known) === 0)
      throw new TypeError(`server.trustedProxies: "${range}" is neither an address nor a CIDR range`)
    if (bits === undefined) list.addAddress(known, family(known))
    else list.addSubnet(known, Number(bits), family(known))
  }
  return (address) => isIP(address) !== 0 && list.check(address, family(address))
}

/** `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]:80`; null for anything else. */
function addressOf(entry: string): string | null {
  const text = entry.trim()
  const bare = /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text
  const address = plainAddress(bare)
  return isIP(address) === 0 ? null : address
}

/** What one client is counted by: it gets a whole /64 of IPv6 and may take any address of it. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].slice(0, 4).join(':')
}

/** Whether an address, as `plainAddress` writes it, lies in one of the ranges. */
export const createTrustedAddress = listed

export function createTrustedPeer(trustedProxies: readonly string[]): TrustedPeer {
  const trusted = listed(trustedProxies)
  return (req) => trusted(plainAddress(req.socket.remoteAddress ?? ''))
}

/**
 * The right-most address of X-Forwarded-For that is not a trusted proxy: everything left of it is the client's own
 * claim. Without a trusted peer the header is not read at all.
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
