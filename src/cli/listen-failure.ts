import type { Config } from '../config/config.ts'
import { userName } from '../user-name.ts'
import { CliError } from './cli-error.ts'

/** Names the setting to change when an address is unavailable. */
export function listenFailure(cause: unknown, config: Config): unknown {
  if (!(cause instanceof AggregateError)) return addressFailure(cause, config)
  const failures = cause.errors.map((error) => addressFailure(error, config))
  const messages = failures.map((error) => (error instanceof Error ? error.message : String(error)))
  return new CliError(messages.join('\n'), 1, { cause })
}

function addressFailure(cause: unknown, config: Config): unknown {
  const { code, address, port } = cause as NodeJS.ErrnoException & { address?: string; port?: number }
  const isApi = port === config.server.listen.port
  const key = isApi ? 'server.listen' : 'objects.listen'
  const host = address?.includes(':') ? `[${address}]` : address
  const another = isApi ? '--port 4010' : `--set objects.listen=${host}:4011`
  switch (code) {
    case 'EADDRINUSE':
      return new CliError(
        `${key}: ${host}:${port} is in use by another program (EADDRINUSE). ` +
          `Stop it (ss -ltnp shows it), or choose another port: ${another}`,
        1,
        { cause },
      )
    case 'EACCES':
      return new CliError(
        `${key}: ${host}:${port} cannot be used by ${userName()} (EACCES). Choose a port above 1023: ${another}; ` +
          'or allow low ports: AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, ' +
          'sysctl net.ipv4.ip_unprivileged_port_start elsewhere.',
        1,
        { cause },
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new CliError(
        `${key}: this machine has no address ${host ?? config.server.listen.host}. Correct ${key}.`,
        1,
        {
          cause,
        },
      )
    default:
      return cause
  }
}
