/** What counts as this machine: 127.0.0.0/8, ::1 and localhost. */
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
