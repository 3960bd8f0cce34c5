/** Hosts and origins of a developer's own machine: loopback, and names that never resolve to another machine. */
import { isLoopbackHost } from './loopback.ts'

/** `localhost`, 127.0.0.0/8, ::1, `*.localhost` and `*.test` (RFC 6761), with or without a port. */
export function isDevelopmentHost(authority: string | undefined): boolean {
  if (isLoopbackHost(authority)) return true
  const name = /^([a-z0-9.-]+)(?::\d{1,5})?$/i.exec(authority ?? '')?.[1]?.toLowerCase() ?? ''
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:test|localhost)$/.test(name)
}

/**
 * A request without Origin does not come from another site. `null` (a sandboxed page, a redirect) never counts,
 * because any site can send it.
 */
export function isDevelopmentOrigin(origin: string | undefined): boolean {
  if (origin === undefined) return true
  return /^https?:\/\//i.test(origin) && isDevelopmentHost(origin.replace(/^https?:\/\//i, ''))
}
