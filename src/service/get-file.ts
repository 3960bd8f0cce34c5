import type { FileRecord } from '../catalog/catalog.ts'
import { StorageError } from '../errors.ts'
import type { ServiceDeps } from './deps.ts'
import { settleForRead } from './settle-auto-confirm.ts'

/**
 * One file of the owner's, pending or confirmed. `settle`: for a read of its bytes, an upload that confirms itself is
 * looked for in the store first; else the store is not asked. Errors: NotFound, also for someone else's.
 */
export async function getFile(
  deps: ServiceDeps,
  owner: string,
  id: string,
  { settle = false }: { settle?: boolean } = {},
): Promise<FileRecord> {
  const found = await deps.catalog.findUpload(owner, { id })
  const file = found && settle && found.grant?.autoConfirm ? (await settleForRead(deps, found)).file : found?.file
  if (file?.status === 'pending' || file?.status === 'confirmed') return file
  throw noSuchFile(id)
}

export const noSuchFile = (id: string): StorageError =>
  new StorageError('NotFound', { resource: `/files/${id}`, message: 'There is no such file.' })
