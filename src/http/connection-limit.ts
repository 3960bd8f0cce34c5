import { BlockList, isIP, type Socket } from 'node:net'
import { createTrustedAddress, networkOf, plainAddress } from './client-ip.ts'

export type ConnectionLimitOptions = {
  /** Open connections of all clients together. */
  total: number
  /** Open connections of one address; an IPv6 client has a whole /64. */
  perClient: number
  /** Addresses and CIDR ranges that speak for many clients: they count in the total alone, as loopback does. */
  trustedProxies: readonly string[]
}

export type ConnectionLimit = {
  /** Counts the connection until it closes; false, and uncounted, where there are too many already. */
  admit(socket: Socket): boolean
}

/** One count for all listeners of a process. Errors: TypeError for a range that is none. */
export function createConnectionLimit(o: ConnectionLimitOptions): ConnectionLimit {
  const speaksForMany = createTrustedAddress(o.trustedProxies)
  const open = new Map<string, number>()
  let total = 0

  return {
    admit(socket) {
      const address = plainAddress(socket.remoteAddress ?? '')
      const client = isLoopback(address) || speaksForMany(address) ? null : networkOf(address)
      const own = client === null ? 0 : (open.get(client) ?? 0)
      if (total >= o.total || (client !== null && own >= o.perClient)) return false
      total += 1
      if (client !== null) open.set(client, own + 1)
      socket.once('close', () => {
        total -= 1
        if (client === null) return
        const left = (open.get(client) ?? 1) - 1
        if (left === 0) open.delete(client)
        else open.set(client, left)
      })
      return true
    },
  }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const isLoopback = (address: string): boolean =>
  isIP(address) !== 0 && loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
