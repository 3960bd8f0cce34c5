import ipaddr from 'ipaddr.js'

/** Where clouds tell a machine about itself although the address looks public. */
const metadata = new Set(['168.63.129.16'])
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
/** RFC 6052: IPv4 as hosts behind a NAT64 see it. */
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')

/**
 * Whether an IP address is one of the public internet: not of this machine, its links, a private network, a group, or a
 * reserved block, in whatever notation an IPv4 address is wrapped. What is no address is not public.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  // An IPv4-mapped address is the IPv4 address.
  const address = ipaddr.process(text)
  if (address instanceof ipaddr.IPv4) return address.range() === 'unicast' && !metadata.has(address.toString())
  if (address.match(nat64)) return isPublicAddress(ipaddr.fromByteArray(address.toByteArray().slice(12)).toString())
  return address.match(globalUnicast) && address.range() === 'unicast'
}
