import type { ObjectRef, PartInfo, StorageDriver } from '../drivers/driver.ts'
import { isStorageError } from '../errors.ts'

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
