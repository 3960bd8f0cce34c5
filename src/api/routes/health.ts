import { StorageError } from '../../errors.ts'
import { instanceProof, noncePattern } from '../../http/instance-proof.ts'
import type { Call } from '../deps.ts'

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

/** Ready to take an upload now: store and catalog answer, and the server is not about to stop. */
export async function ready({ ctx, deps }: Call): Promise<void> {
  if (deps.isDraining()) throw new StorageError('Unavailable', { message: 'The server is stopping.' })
  await checkTogether(deps)
  ctx.body = { status: 'ready' }
}

type Checked = Pick<Call['deps'], 'driver' | 'catalog'>

const running = new WeakMap<Checked, Promise<void>>()

/** Anyone may ask, and as often as they like: whoever asks while store and catalog are being asked waits for that answer. */
function checkTogether(deps: Checked): Promise<void> {
  const known = running.get(deps)
  if (known) return known
  const check = Promise.all([deps.driver.checkReady(), deps.catalog.checkReady()])
    .then(() => {})
    .finally(() => running.delete(deps))
  running.set(deps, check)
  return check
}
