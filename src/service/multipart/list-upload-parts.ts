import type { ServiceDeps } from '../deps.ts'
import { alreadyComplete, noSuchParts, openMultipart, type OpenMultipart } from './find-multipart.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import type { ObjectRef, PartInfo, StorageDriver } from '../../drivers/driver.ts'
import { isStorageError } from '../../errors.ts'

/**
 * Lists the parts of a pending upload in the store. Clients that resume an upload rely on this list. Errors: NotFound,
 * InvalidRequest, ConditionalConflict if its parts are already joined, NoSuchUpload if the store has lost the upload.
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

/** Every part in the store, in ascending order. null if the store does not have the upload. */
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
