/** `postern gc`: deletes orphaned objects and multipart uploads, which crashes and lost responses leave in a bucket. */
import type { Catalog } from '../../catalog/catalog.ts'
import type { StorageDriver } from '../../drivers/driver.ts'
import { isStorageError, StorageError } from '../../errors.ts'
import { headOrNull, removeVersions } from '../stores/stored-objects.ts'
import { forget, forgetMovedObjects, listOrphanCandidates, pageSize } from './verify-files.ts'
import { tooManyOrphans, type OrphanCandidates } from './verify-orphans.ts'

export type OrphanOptions = {
  store: StorageDriver
  catalog: Pick<Catalog, 'allUploads' | 'findUploadByKey' | 'movedObjects'>
  bucket: string
  /** Otherwise they are only counted. */
  remove: boolean
  /** Seconds. A younger object may be about to be recorded. */
  grace: number
  /** The number of orphans that the operator allows to be deleted. */
  allowed?: number
  now: () => Date
  /** Called for each orphan as it is counted, deleted or not. */
  onOrphan?: (orphan: { key: string; uploadId?: string; bytes: number }) => void
  signal: AbortSignal
}

/** `young`: orphans within the grace period. They wait for the next run. */
export type Orphans = { objects: number; bytes: number; uploads: number; young: number; removed: number }

/**
 * Errors: those of store and catalog, and InvalidRequest if the catalog has no files or so many objects have no record
 * that it may be the wrong catalog. Nothing is deleted then.
 */
export async function collectOrphans(o: OrphanOptions): Promise<Orphans> {
  // List the store before the records. An object that still has no record afterwards had time to get one.
  const candidates = await listOrphanCandidates(o.store, o)
  const listed = candidates.objects.size + candidates.sessions.size
  const known = await forgetKnown(o, candidates)
  if (o.remove && known === 0 && candidates.objects.size > 0) {
    throw new StorageError('InvalidRequest', {
      message: `The catalog has no files, but the bucket has ${candidates.objects.size} objects. Nothing was deleted. Check that database.url names the catalog of this bucket.`,
    })
  }
  const tooMany = tooManyOrphans(candidates, { listed, allowed: o.allowed })
  if (o.remove && tooMany !== null) throw new StorageError('InvalidRequest', { message: tooMany })
  const found: Orphans = { objects: 0, bytes: 0, uploads: 0, young: 0, removed: 0 }
  for (const key of candidates.objects) await collectObject(o, key, found)
  for (const session of candidates.sessions.values()) await collectSession(o, session, found)
  return found
}

async function forgetKnown({ catalog, signal }: OrphanOptions, candidates: OrphanCandidates): Promise<number> {
  await forgetMovedObjects(catalog, candidates)
  let known = 0
  for (let after: string | undefined; ;) {
    signal.throwIfAborted()
    const page = await catalog.allUploads({ limit: pageSize, ...(after !== undefined && { after }) })
    for (const upload of page) forget(candidates, upload)
    known += page.length
    if (page.length < pageSize) {
      // Repeat this, because a file may have moved since its page was read.
      await forgetMovedObjects(catalog, candidates)
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
  o.onOrphan?.({ key, bytes: head.contentLength })
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
  o.onOrphan?.({ key, uploadId, bytes: 0 })
  if (!o.remove) return
  try {
    await o.store.abortMultipartUpload({ bucket: o.bucket, key }, uploadId)
    found.removed++
  } catch (error) {
    // Completed or aborted since it was listed.
    if (!isStorageError(error, 'NoSuchUpload')) throw error
  }
}

const isYoung = ({ now, grace }: OrphanOptions, since: Date): boolean =>
  now().getTime() - since.getTime() < grace * 1000
