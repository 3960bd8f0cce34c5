import type { ObjectRef } from '../../drivers/driver.ts'
import type { ServiceDeps } from '../deps.ts'
import { endWrites } from '../uploads/granted-write.ts'
import { noSuchFile } from './read-files.ts'
import { removeMoved } from '../stores/remove-moved.ts'
import { removeParts } from '../multipart/remove-parts.ts'
import { removeVersions } from '../stores/stored-objects.ts'

/**
 * Deletes the record, releases the quota, then deletes the object. If the store fails to delete the object, the
 * collector retries. Errors: NotFound.
 */
export async function deleteFile(deps: ServiceDeps, owner: string, id: string): Promise<void> {
  const deleted = await deps.catalog.deleteFile(owner, id, deps.now())
  if (!deleted) throw noSuchFile(id)
  const { file, grant } = deleted
  if (!deps.stores.has(file)) return
  const store = deps.stores.of(file)
  if (grant) await endWrites(deps, grant.target, id)
  const { versionId } = file.object
  const removals: Promise<unknown>[] = versionId === undefined ? [] : [store.deleteObject(file.object, { versionId })]
  removals.push(removeVersions(store, file.object), removeMoved(deps, { fileId: id }))
  if (grant && !isSame(grant.target, file.object)) removals.push(removeVersions(store, grant.target))
  if (grant?.method === 'MULTIPART') removals.push(removeParts(deps, file, grant.target, grant.multipart))
  for (const outcome of await Promise.allSettled(removals)) {
    if (outcome.status === 'rejected') {
      deps.log.warn(
        { err: outcome.reason as unknown, file: id },
        'could not delete the object of a deleted file; the collector retries',
      )
    }
  }
}

const isSame = (a: ObjectRef, b: ObjectRef): boolean => a.bucket === b.bucket && a.key === b.key
