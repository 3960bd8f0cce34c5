import { StorageError } from '../../errors.ts'
import type { Call } from '../deps.ts'

export async function live({ ctx }: Call): Promise<void> {
  ctx.body = { status: 'ok' }
}

/** Ready to take an upload now: store and catalog answer, and the server is not about to stop. */
export async function ready({ ctx, deps }: Call): Promise<void> {
  if (deps.isDraining()) throw new StorageError('Unavailable', { message: 'The server is stopping.' })
  await Promise.all([deps.driver.checkReady(), deps.catalog.checkReady()])
  ctx.body = { status: 'ready' }
}
