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
  const { driver } = deps
  const { target } = grant
  const isMoved = target.bucket !== file.object.bucket || target.key !== file.object.key
  const { versionId } = file.object
  if (grant.method === 'MULTIPART') {
    await removeParts(deps, target, file.status === 'confirmed' ? null : grant.multipart)
  }
  if (file.status === 'confirmed') {
    if (isMoved) await (keepsSource(deps, file) ? restoreCopy(deps, file, target) : removeVersions(deps, target))
    else if (versionId !== undefined) await removeVersions(deps, target, versionId)
    return
  }
  if (versionId !== undefined) await driver.deleteObject(file.object, { versionId })
  if (isMoved) await removeVersions(deps, file.object)
  await removeVersions(deps, target)
}
