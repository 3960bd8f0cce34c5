import { StorageError } from '../../errors.ts'
import { instanceProof, noncePattern } from '../../http/instance-proof.ts'
import type { Call } from '../deps.ts'
import { ageOf, demandReady } from '../ready.ts'

/**
 * With `?nonce=` (32 hex digits) the response also proves the installation's identity and returns the received Host.
 */
export async function live({ ctx, deps }: Call): Promise<void> {
  const { nonce } = ctx.query
  const asked = typeof nonce === 'string' && noncePattern.test(nonce)
  if (asked) ctx.set('cache-control', 'no-store')
  ctx.body = {
    status: 'ok',
    ...(asked && { proof: instanceProof(deps.tokens.accepted()[0]!.secret, nonce), host: ctx.req.headers.host ?? '' }),
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
