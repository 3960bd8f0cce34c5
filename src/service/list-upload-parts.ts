import type { PartInfo } from '../drivers/driver.ts'
import type { ServiceDeps } from './deps.ts'
import { alreadyComplete, noSuchParts, openMultipart, type OpenMultipart } from './multipart.ts'
import { headOrNull } from './remove-versions.ts'
import { storedParts } from './stored-parts.ts'

/**
 * What the store has of a pending upload: the authority for whoever resumes one. Errors: NotFound, InvalidRequest,
 * ConditionalConflict once its parts are joined, NoSuchUpload when the store has lost it.
 */
export async function listUploadParts(
  deps: ServiceDeps,
  owner: string,
  id: string,
): Promise<OpenMultipart & { parts: PartInfo[] }> {
  const open = await openMultipart(deps, owner, id)
  const { target } = open.grant
  const store = deps.stores.of(open.file)
  const parts = await storedParts(store, target, open.multipart.uploadId)
  if (parts) return { ...open, parts }
  throw (await headOrNull(store, target)) ? alreadyComplete(id) : noSuchParts(id)
}
