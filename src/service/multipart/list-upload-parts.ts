import type { ServiceDeps } from '../deps.ts'
import { alreadyComplete, noSuchParts, openMultipart, type OpenMultipart } from './find-multipart.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import type { ObjectRef, PartInfo, StorageDriver } from '../../drivers/driver.ts'
import { isStorageError } from '../../errors.ts'

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

/** Every part that the store has, ascending; null where it has no such upload, or has it no more. */
export async function storedParts(
  driver: Pick<StorageDriver, 'listParts'>,
  target: ObjectRef,
  uploadId: string,
): Promise<PartInfo[] | null> {
  const parts: PartInfo[] = []
  let marker: number | undefined
  try {
    do {
      const page = await driver.listParts(target, uploadId, marker === undefined ? {} : { partNumberMarker: marker })
      parts.push(...page.parts)
      marker = page.isTruncated ? page.nextPartNumberMarker : undefined
    } while (marker !== undefined)
  } catch (error) {
    if (isStorageError(error, 'NoSuchUpload')) return null
    throw error
  }
  return parts
}
