import { StorageError } from '../../errors.ts'
import { instanceProof, noncePattern } from '../../http/instance-proof.ts'
import type { Call } from '../deps.ts'
import { ageOf, demandReady } from '../ready.ts'

/** With `?nonce=` (32 hex digits) it also proves which installation answers, and tells the Host that arrived. */
export async function live({ ctx, deps }: Call): Promise<void> {
  const { nonce } = ctx.query
  const asked = typeof nonce === 'string' && noncePattern.test(nonce)
  if (asked) ctx.set('cache-control', 'no-store')
  ctx.body = {
    status: 'ok',
    ...(asked && { proof: instanceProof(deps.tokens.accepted()[0]!.secret, nonce), host: ctx.req.headers.host ?? '' }),
  }
}

/** Ready to take an upload now: store and catalog have just worked, and the server is not about to stop. */
export async function ready({ ctx, deps }: Call): Promise<void> {
  if (deps.isDraining()) {
    const message = 'The server is stopping.'
    throw new StorageError('Unavailable', { message, publicMessage: message })
  }
  const { checkedAt } = await demandReady(ctx, deps)
  ctx.set('cache-control', 'no-store')
  ctx.body = { status: 'ready', ...ageOf(checkedAt, deps) }
}
