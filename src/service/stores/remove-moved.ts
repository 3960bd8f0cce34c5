/** Removes the old copies of moved files. See decisions/0009. */
import type { MovedObject } from '../../catalog/catalog.ts'
import type { ServiceDeps } from '../deps.ts'
import { removeParts } from '../multipart/remove-parts.ts'
import { removeVersions } from './stored-objects.ts'

const page = 100

/**
 * Takes the removable objects from the catalog first, so that none of them becomes a file during the run. Objects that
 * a store fails to delete, and objects in a store that is not open, wait for the next run. Errors: those of the
 * catalog.
 */
export async function removeMoved(
  deps: Pick<ServiceDeps, 'stores' | 'catalog' | 'log'>,
  by: Parameters<ServiceDeps['catalog']['takeRemovable']>[0],
  o: { signal?: AbortSignal } = {},
): Promise<{ removed: number; failed: number }> {
  const outcome = { removed: 0, failed: 0 }
  for (let after: string | undefined; !o.signal?.aborted;) {
    const objects = await deps.catalog.takeRemovable(by, { limit: page, ...(after !== undefined && { after }) })
    for (const moved of objects) {
      if (!deps.stores.has(moved) || o.signal?.aborted) continue
      try {
        await removeObject(deps, moved)
        await deps.catalog.forgetMoved(moved.id)
        outcome.removed++
      } catch (err) {
        outcome.failed++
        deps.log.warn(
          { err, file: moved.fileId },
          'could not delete the old copy of a moved file; the next pass retries',
        )
      }
    }
    if (objects.length === 0) break
    after = objects.at(-1)!.id
  }
  return outcome
}

async function removeObject(deps: Pick<ServiceDeps, 'stores' | 'log'>, moved: MovedObject): Promise<void> {
  const { object } = moved
  const store = deps.stores.of(moved)
  const { versionId } = object
  await removeParts(deps, moved, object, null)
  if (versionId !== undefined) await store.deleteObject(object, { versionId })
  await removeVersions(store, object)
}
