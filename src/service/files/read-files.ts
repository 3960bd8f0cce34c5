import type { FilePage, FileRecord, Usage } from '../../catalog/catalog.ts'
import { StorageError } from '../../errors.ts'
import { settleForRead } from '../uploads/settle-auto-confirm.ts'
import type { ServiceDeps } from '../deps.ts'

/**
 * One file of the owner, pending or confirmed. With `settle`, for reads of its bytes, an auto-confirmed upload is
 * looked up in the store first. Otherwise the store is not asked. Errors: NotFound, also for a file of another owner.
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

/** A page of the owner's files, newest first. Never asks the store. Errors: InvalidArgument for an invalid cursor. */
export async function listFiles(
  deps: ServiceDeps,
  owner: string,
  o: { limit: number; cursor?: string; q?: string },
): Promise<FilePage> {
  return deps.catalog.listFiles(owner, o)
}

/** `null` in `quota` means unlimited. */
export type UsageReport = Usage & { quota: { bytes: number | null; files: number | null } }

export async function usage(deps: ServiceDeps, owner: string): Promise<UsageReport> {
  const { userBytes, userFiles } = deps.config.quotas
  return { ...(await deps.catalog.usage(owner)), quota: { bytes: userBytes, files: userFiles } }
}
