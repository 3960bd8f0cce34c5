import type { FileRecord } from '../catalog/catalog.ts'
import { StorageError } from '../errors.ts'
import type { ServiceDeps } from './deps.ts'
import { trySettle } from './settle-auto-confirm.ts'

/** One file of the owner's, pending or confirmed. Errors: NotFound, also for someone else's. */
export async function getFile(deps: ServiceDeps, owner: string, id: string): Promise<FileRecord> {
  const found = await deps.catalog.findUpload(owner, { id })
  const file = found && (await trySettle(deps, found))
  if (file?.status === 'pending' || file?.status === 'confirmed') return file
  throw noSuchFile(id)
}

export const noSuchFile = (id: string): StorageError =>
  new StorageError('NotFound', { resource: `/files/${id}`, message: 'There is no such file.' })
