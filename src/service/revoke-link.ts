import { StorageError } from '../errors.ts'
import type { ServiceDeps } from './deps.ts'

/** From now on the link is unknown, and URLs that it has handed out are refused. Errors: NotFound. */
export async function revokeLink(deps: ServiceDeps, owner: string, o: { id: string; link: string }): Promise<void> {
  if (await deps.catalog.deleteLink(owner, o.id, o.link)) return
  throw new StorageError('NotFound', { resource: `/files/${o.id}`, message: 'There is no such link.' })
}
