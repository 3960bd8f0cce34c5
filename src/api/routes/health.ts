import { StorageError } from '../../errors.ts'
import { instanceProof, noncePattern } from '../../http/instance-proof.ts'
import type { Call } from '../deps.ts'
import { isDeveloper } from '../origin.ts'
import { ageOf, demandReady } from '../ready.ts'

/**
 * With `?nonce=` (32 hex digits) the response also proves the installation's identity and returns the received Host. In
 * development mode, the response to a developer's machine also names the folder of the server's secrets.
 */
export async function live({ ctx, deps }: Call): Promise<void> {
  const { nonce } = ctx.query
  const asked = typeof nonce === 'string' && noncePattern.test(nonce)
  if (asked) ctx.set('cache-control', 'no-store')
  ctx.body = {
    status: 'ok',
    ...(asked && { proof: instanceProof(deps.tokens.accepted()[0]!.secret, nonce), host: ctx.req.headers.host ?? '' }),
    ...(asked && deps.secretsFolder !== null && isDeveloper(ctx.req) && { folder: deps.secretsFolder }),
  }
}

/** 200 if store and catalog passed the last check and the server is not stopping. */
export async function ready({ ctx, deps }: Call): Promise<void> {
  if (deps.isDraining()) {
    const message = 'The server is stopping.'
    throw new StorageError('Unavailable', { message, publicMessage: message })
  }
  const { checkedAt } = await demandReady(ctx, deps)
  ctx.set('cache-control', 'no-store')
  ctx.body = { status: 'ready', ...ageOf(checkedAt, deps) }
}
