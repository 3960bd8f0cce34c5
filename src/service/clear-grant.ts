import type { FileRecord, UploadGrant } from '../catalog/catalog.ts'
import type { ServiceDeps } from './deps.ts'
import { keepsSource, restoreCopy } from './public-copy.ts'
import { removeParts } from './remove-parts.ts'
import { removeVersions } from './remove-versions.ts'

/**
 * Brings the store to what the catalog says, once no URL of the grant is accepted any more: nothing is left of a file
 * that is deleted or expired, and nothing but its own bytes of one that is confirmed. Errors: the store's.
 */
export async function clearGrant(
  deps: ServiceDeps,
  { file, grant }: { file: FileRecord; grant: UploadGrant },
): Promise<void> {
  const store = deps.stores.of(file)
  const { target } = grant
  const isMoved = target.bucket !== file.object.bucket || target.key !== file.object.key
  const { versionId } = file.object
  if (grant.method === 'MULTIPART') {
    await removeParts(deps, file, target, file.status === 'confirmed' ? null : grant.multipart)
  }
  if (file.status === 'confirmed') {
    if (isMoved) await (keepsSource(deps, file) ? restoreCopy(deps, file, target) : removeVersions(store, target))
    else if (versionId !== undefined) await removeVersions(store, target, versionId)
    return
  }
  if (versionId !== undefined) await store.deleteObject(file.object, { versionId })
  if (isMoved) await removeVersions(store, file.object)
  await removeVersions(store, target)
}
