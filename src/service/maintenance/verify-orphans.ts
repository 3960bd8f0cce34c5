/** `postern verify`: orphaned objects and multipart uploads below the gateway's prefixes. */
import { orphanLimit, type MultipartInfo, type Report } from '../../drivers/driver.ts'
import { isStorageError } from '../../errors.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import type { Stores } from '../stores/stores.ts'
import type { Catalog } from '../../catalog/catalog.ts'

export type VerifyFilesOptions = {
  stores: Stores
  catalog: Catalog
  /** The gateway's bucket. */
  bucket: string
  /** Read the bytes of every file and compare its checksum. The disk driver's own verification already does this. */
  deep: boolean
  repair: boolean
  /**
   * Deletes orphaned objects and multipart uploads. Off if others may use the bucket, because another gateway's files
   * look like orphans.
   */
  removeOrphans: boolean
  /** The number of orphans that the operator allows to be deleted. */
  allowed?: number
  /** Seconds in which a new object may still lack its record. */
  grace: number
  now: () => Date
  report: Report
  signal: AbortSignal
}

/** Objects and multipart uploads in the store. Those that a record names are removed from the sets. */
export type OrphanCandidates = { objects: Set<string>; sessions: Map<string, MultipartInfo> }

/**
 * null if the orphans may be deleted. Otherwise the reason and the remedy. `listed`: their number before the
 * comparison.
 */
export function tooManyOrphans(
  { objects, sessions }: OrphanCandidates,
  { listed, allowed = 0 }: { listed: number; allowed?: number | undefined },
): string | null {
  const found = objects.size + sessions.size
  const limit = orphanLimit(listed)
  if (found <= Math.max(limit, allowed)) return null
  return (
    `${found} of ${listed} objects and multipart uploads have no record in the catalog, over the limit of ${limit}. ` +
    'Nothing was deleted. If the catalog was lost or replaced, restore the catalog of this store. ' +
    `If the objects are not needed, add: --yes-delete ${found}`
  )
}

/**
 * Only orphans older than `grace` are deleted, because a younger object may be about to be recorded.
 * `keepOrphans`: the reason to delete none, or null.
 */
type Options = VerifyFilesOptions & { keepOrphans: string | null }

export async function verifyOrphans(o: Options, { objects, sessions }: OrphanCandidates): Promise<void> {
  for (const key of objects) {
    o.signal.throwIfAborted()
    await verifyObject(o, key)
  }
  for (const session of sessions.values()) {
    o.signal.throwIfAborted()
    await verifySession(o, session)
  }
}

async function verifyObject(o: Options, key: string): Promise<void> {
  const ref = { bucket: o.bucket, key }
  const head = await headOrNull(o.stores.current, ref)
  if (!head) return
  if (isYoung(o, head.lastModified)) return o.report.count('inFlight')
  if (mayRemove(o)) await o.stores.current.deleteObject(ref, { ifMatch: head.etag })
  o.report.problem({
    ...ref,
    kind: 'object-without-file',
    detail: `no file refers to this object of ${head.contentLength} bytes${kept(o)}`,
    repair: mayRemove(o) ? 'removed' : 'left',
  })
}

async function verifySession(o: Options, { key, uploadId, initiated }: MultipartInfo): Promise<void> {
  if (isYoung(o, initiated)) return o.report.count('inFlight')
  const ref = { bucket: o.bucket, key }
  try {
    await o.stores.current.listParts(ref, uploadId, { maxParts: 1 })
    if (mayRemove(o)) await o.stores.current.abortMultipartUpload(ref, uploadId)
  } catch (error) {
    // Completed or aborted since it was listed.
    if (isStorageError(error, 'NoSuchUpload')) return
    throw error
  }
  o.report.problem({
    ...ref,
    uploadId,
    kind: 'session-without-upload',
    detail: `no pending upload refers to this multipart upload${kept(o)}`,
    repair: mayRemove(o) ? 'removed' : 'left',
  })
}

const isYoung = ({ now, grace }: VerifyFilesOptions, since: Date): boolean =>
  now().getTime() - since.getTime() < grace * 1000

const mayRemove = ({ repair, removeOrphans, keepOrphans }: Options): boolean =>
  repair && removeOrphans && keepOrphans === null

const kept = ({ repair, removeOrphans, keepOrphans }: Options): string => {
  if (!repair) return ''
  return removeOrphans
    ? keepOrphans === null
      ? ''
      : `; ${keepOrphans}`
    : '; not deleted, because another gateway may use this bucket'
}
