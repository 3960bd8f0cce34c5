/** Objects and multipart uploads below our own prefixes that no record knows: what crashes and lost answers leave. */
import type { Catalog } from '../../catalog/catalog.ts'
import type { StorageDriver } from '../../drivers/driver.ts'
import { isStorageError, StorageError } from '../../errors.ts'
import { headOrNull, removeVersions } from '../stores/stored-objects.ts'
import { forget, forgetMovedObjects, listStrays, pageSize } from './verify-files.ts'
import { tooManyStrays, type Strays } from './verify-orphans.ts'

export type OrphanOptions = {
  store: StorageDriver
  catalog: Pick<Catalog, 'allUploads' | 'findUploadByKey' | 'movedObjects'>
  bucket: string
  /** Else they are counted only. */
  remove: boolean
  /** Seconds: what is younger may be about to be recorded. */
  grace: number
  /** The number of orphans that the operator allows to be removed. */
  allowed?: number
  now: () => Date
  /** Hears of each one as it is counted, removed or not. */
  tell?: (orphan: { key: string; uploadId?: string; bytes: number }) => void
  signal: AbortSignal
}

/** `young` ones wait for the next time. */
export type Orphans = { objects: number; bytes: number; uploads: number; young: number; removed: number }

/**
 * Errors: those of store and catalog; InvalidRequest where the catalog knows no file at all, or so many objects have no
 * record that the catalog may be the wrong one. Nothing is removed then.
 */
export async function collectOrphans(o: OrphanOptions): Promise<Orphans> {
  // Listed first: whatever is there now and has no record afterwards had time to get one.
  const strays = await listStrays(o.store, o)
  const listed = strays.objects.size + strays.sessions.size
  const known = await forgetKnown(o, strays)
  if (o.remove && known === 0 && strays.objects.size > 0) {
    throw new StorageError('InvalidRequest', {
      message: `The catalog knows no file, and the bucket has ${strays.objects.size}: is database.url the right one? Nothing was removed.`,
    })
  }
  const tooMany = tooManyStrays(strays, { listed, allowed: o.allowed })
  if (o.remove && tooMany !== null) throw new StorageError('InvalidRequest', { message: tooMany })
  const found: Orphans = { objects: 0, bytes: 0, uploads: 0, young: 0, removed: 0 }
  for (const key of strays.objects) await collectObject(o, key, found)
  for (const session of strays.sessions.values()) await collectSession(o, session, found)
  return found
}

async function forgetKnown({ catalog, signal }: OrphanOptions, strays: Strays): Promise<number> {
  await forgetMovedObjects(catalog, strays)
  let known = 0
  for (let after: string | undefined; ;) {
    signal.throwIfAborted()
    const page = await catalog.allUploads({ limit: pageSize, ...(after !== undefined && { after }) })
    for (const upload of page) forget(strays, upload)
    known += page.length
    if (page.length < pageSize) {
      // Once more: a file may have moved between its page and the first look.
      await forgetMovedObjects(catalog, strays)
      return known
    }
    after = page.at(-1)!.file.id
  }
}

async function collectObject(o: OrphanOptions, key: string, found: Orphans): Promise<void> {
  o.signal.throwIfAborted()
  const ref = { bucket: o.bucket, key }
  const head = await headOrNull(o.store, ref)
  if (head === null || (await o.catalog.findUploadByKey(key)) !== null) return
  if (isYoung(o, head.lastModified)) {
    found.young++
    return
  }
  found.objects++
  found.bytes += head.contentLength
  o.tell?.({ key, bytes: head.contentLength })
  if (!o.remove || (await o.store.isBeingWritten(ref))) return
  await removeVersions(o.store, ref)
  found.removed++
}

async function collectSession(
  o: OrphanOptions,
  { key, uploadId, initiated }: { key: string; uploadId: string; initiated: Date },
  found: Orphans,
): Promise<void> {
  o.signal.throwIfAborted()
  if (isYoung(o, initiated)) {
    found.young++
    return
  }
  found.uploads++
  o.tell?.({ key, uploadId, bytes: 0 })
  if (!o.remove) return
  try {
    await o.store.abortMultipartUpload({ bucket: o.bucket, key }, uploadId)
    found.removed++
  } catch (error) {
    // Ended since it was listed.
    if (!isStorageError(error, 'NoSuchUpload')) throw error
  }
}

const isYoung = ({ now, grace }: OrphanOptions, since: Date): boolean =>
  now().getTime() - since.getTime() < grace * 1000
