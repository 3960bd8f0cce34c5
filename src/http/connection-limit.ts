import { BlockList, isIP, type Socket } from 'node:net'
import { createTrustedAddress, networkOf, plainAddress } from './client-ip.ts'

export type ConnectionLimitOptions = {
  /** The limit of open connections in total. */
  total: number
  /** The limit of open connections of this process, bounded by its file descriptors. Default: `total`. */
  here?: number
  /** The limit of open connections per address. An IPv6 client is counted by its /64. */
  perClient: number
  /** Addresses and CIDR ranges that serve many clients. They count towards the total only, like loopback. */
  trustedProxies: readonly string[]
  /** Where open connections are counted. */
  counts: { get(key: string): number; add(key: string, by: 1 | -1): void }
}

export type ConnectionLimit = {
  /** Counts the connection until it closes. Returns false, without counting it, if the limit is reached. */
  admit(socket: Socket): boolean
}

/** One count for all listeners of all processes that share `counts`. Errors: TypeError for an invalid range. */
export function createConnectionLimit(o: ConnectionLimitOptions): ConnectionLimit {
  const speaksForMany = createTrustedAddress(o.trustedProxies)
  const { counts } = o
  let here = 0

  return {
    admit(socket) {
      const address = plainAddress(socket.remoteAddress ?? '')
      const client = isLoopback(address) || speaksForMany(address) ? null : networkOf(address)
      if (
        here >= (o.here ?? o.total) ||
        counts.get(all) >= o.total ||
        (client !== null && counts.get(client) >= o.perClient)
      )
        return false
      const counted = client === null ? [all] : [all, client]
      here++
      for (const key of counted) counts.add(key, 1)
      socket.once('close', () => {
        here--
        for (const key of counted) counts.add(key, -1)
      })
      return true
    },
  }
}

/** The key of the total. */
const all = 'all'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const isLoopback = (address: string): boolean =>
  isIP(address) !== 0 && loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
