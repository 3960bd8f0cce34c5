import ipaddr from 'ipaddr.js'

/** From where a host is reachable, judged by its name. `internal` is a container's name, which browsers cannot resolve. */
export type HostScope = 'loopback' | 'private' | 'internal' | 'public'

export function scopeOfHost(hostname: string): HostScope {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback'
  if (ipaddr.isValid(host)) {
    const range = ipaddr.process(host).range()
    if (range === 'loopback') return 'loopback'
    return range === 'unicast' ? 'public' : 'private'
  }
  if (!host.includes('.') || /\.(svc|cluster\.local)$/.test(host)) return 'internal'
  return /\.(local|internal|lan|intranet|home|corp|home\.arpa)$/.test(host) ? 'private' : 'public'
}
