/** The server that listens at server.listen, for commands that must use the same secret as it does. */
import { createSecretKey, randomBytes } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { readSecrets } from '../config/secrets.ts'
import { stateFolder } from '../config/state-folder.ts'
import { instanceProof } from '../http/instance-proof.ts'
import { localAddress } from './local-address.ts'
import { existingSecrets } from './open-store.ts'

/** Milliseconds to wait for an answer. */
const patience = 1000

/**
 * The secret that signs tokens. If a server runs at server.listen, it is that server's secret: in development mode the
 * server names its folder, so it is found however the server was started. `isForeign`: a server runs there, but its
 * secret is not known here. Errors: CliError if the secret is to be that of a store, and there is none.
 */
export async function tokenSecret(config: Config): Promise<{ jwtSecret: string; isForeign: boolean; url: string }> {
  const url = localAddress(config.server.listen)
  const authSecret = config.auth.secret
  const nonce = randomBytes(16).toString('hex')
  const server = await ask(`${url}/healthz?nonce=${nonce}`)
  const isProven = (secret: string): boolean =>
    instanceProof(createSecretKey(Buffer.from(secret)), nonce) === server?.proof

  const own = authSecret === 'auto' ? readSecrets(stateFolder(config))?.jwtSecret : authSecret
  if (own !== undefined && (server === null || isProven(own))) return { jwtSecret: own, isForeign: false, url }
  if (server?.folder !== undefined) {
    const found = readSecrets(server.folder)?.jwtSecret
    if (found !== undefined && isProven(found)) return { jwtSecret: found, isForeign: false, url }
  }
  const jwtSecret = own ?? existingSecrets(config).jwtSecret
  return { jwtSecret, isForeign: server !== null && !isProven(jwtSecret), url }
}

/** null if no Postern answers. */
async function ask(url: string): Promise<{ proof: string; folder?: string } | null> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(patience) })
    const { proof, folder } = (await response.json()) as Record<string, unknown>
    if (typeof proof !== 'string') return null
    return { proof, ...(typeof folder === 'string' && { folder }) }
  } catch {
    return null
  }
}
