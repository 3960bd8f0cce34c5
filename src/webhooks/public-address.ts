import ipaddr from 'ipaddr.js'

/** Metadata services of clouds with an address outside the private ranges. */
const metadata = new Set(['168.63.129.16'])
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
/** IPv4 addresses behind a NAT64. Source: RFC 6052. */
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')

/**
 * Whether an IP address belongs to the public internet. False for loopback, link-local, private, multicast and reserved
 * addresses, also for IPv4 inside IPv6, and for text that is not an address.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  // Unwraps an IPv4-mapped address.
  const address = ipaddr.process(text)
  if (address instanceof ipaddr.IPv4) return address.range() === 'unicast' && !metadata.has(address.toString())
  if (address.match(nat64)) return isPublicAddress(ipaddr.fromByteArray(address.toByteArray().slice(12)).toString())
  return address.match(globalUnicast) && address.range() === 'unicast'
}
