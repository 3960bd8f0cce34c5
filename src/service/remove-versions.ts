import type { ObjectHead, ObjectRef, StorageDriver } from '../drivers/driver.ts'
import { isStorageError } from '../errors.ts'

/** Versions removed from one key; whoever wrote more within the life of one URL leaves some to the bucket's own rules. */
const maxVersions = 100

/**
 * Removes what can be read at a key, or what is newer there than the version to keep. In a bucket that keeps versions
 * they are taken away one by one: a plain delete would only hide them.
 */
export async function removeVersions(store: StorageDriver, ref: ObjectRef, keep?: string): Promise<void> {
  for (let removed = 0; removed < maxVersions; removed++) {
    const head = await headOrNull(store, ref)
    if (head === null) return
    if (keep !== undefined && (head.versionId === undefined || head.versionId === keep)) return
    await store.deleteObject(ref, head.versionId === undefined ? {} : { versionId: head.versionId })
    if (head.versionId === undefined) return
  }
}

/** null where there is no object. */
export async function headOrNull(store: StorageDriver, ref: ObjectRef): Promise<ObjectHead | null> {
  try {
    return await store.headObject(ref)
  } catch (error) {
    if (isStorageError(error, 'NotFound')) return null
    throw error
  }
}
