import type { ListenAddress } from '../config/config.ts'

/** The URL at which this machine reaches a server. One that listens on all interfaces is reached on loopback. */
export function localAddress({ host, port }: ListenAddress): string {
  const name = { '': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
