/** Who sees what concerns everybody: the effective settings, everybody's requests. */
import { StorageError } from '../errors.ts'
import type { IncomingMessage } from 'node:http'
import type { Config } from '../config/schema.ts'
import type { ApiDeps, Identity } from './deps.ts'
import { isLoopbackHost } from '../http/loopback.ts'
import { isLocal } from './origin.ts'

/** Requests without credentials are administrators nowhere but with `--dev`, on this machine alone. */
export function isAdmin({ user, via }: Identity, { config }: Pick<ApiDeps, 'config'>): boolean {
  if (via === 'dev') return true
  return via !== 'anonymous' && config.auth.admins.includes(user)
}

/**
 * Whether a request without credentials may see the figures: sent from this machine to a server that serves this
 * machine alone. One that has a public URL is behind a proxy, whose requests all come from this machine.
 */
export function isOperator(req: IncomingMessage, { server }: Config): boolean {
  const isPrivate = server.publicUrl === 'auto' || isLoopbackHost(new URL(server.publicUrl).host)
  const { host } = server.listen
  const listensHere = isLoopbackHost(host.includes(':') ? `[${host}]` : host)
  return isPrivate && listensHere && req.headers.authorization === undefined && isLocal(req)
}

export const adminsOnly = (user: string): StorageError =>
  new StorageError('AccessDenied', {
    message: `This is for administrators. Add ${JSON.stringify(user)} to auth.admins in config/local.yaml and restart, or ask who runs this server.`,
  })
