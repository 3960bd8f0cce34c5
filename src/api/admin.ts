/** Administrator rights: the effective settings and every user's requests. */
import { StorageError } from '../errors.ts'
import type { IncomingMessage } from 'node:http'
import type { Config } from '../config/config.ts'
import type { ApiDeps, Identity } from './deps.ts'
import { isLoopbackHost } from '../http/loopback.ts'
import { isLocal } from './origin.ts'

/** Requests without credentials are administrators only with `--dev`. */
export function isAdmin({ user, via }: Identity, { config }: Pick<ApiDeps, 'config'>): boolean {
  if (via === 'dev') return true
  return via !== 'anonymous' && config.auth.admins.includes(user)
}

/**
 * Whether a request without credentials may read the metrics. It must come from this machine, and the server must not
 * be public. A server with a public URL is behind a proxy, and a proxy's requests all come from this machine.
 */
export function isOperator(req: IncomingMessage, { server }: Config): boolean {
  const isPrivate = server.publicUrl === 'auto' || isLoopbackHost(new URL(server.publicUrl).host)
  const { host } = server.listen
  const listensHere = isLoopbackHost(host.includes(':') ? `[${host}]` : host)
  return isPrivate && listensHere && req.headers.authorization === undefined && isLocal(req)
}

export const adminsOnly = (user: string): StorageError =>
  new StorageError('AccessDenied', {
    message: `Only administrators may do this. To make this user one, the operator adds ${JSON.stringify(user)} to auth.admins in config/local.yaml and restarts the server.`,
  })
