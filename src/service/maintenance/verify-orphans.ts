/** Objects and multipart uploads below our own prefixes that no record knows. */
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
  /** Read the bytes of every file and compare its checksum. The disk driver's own check has done that before. */
  deep: boolean
  repair: boolean
  /**
   * Removes objects and multipart uploads that no record knows. Off where others may use the bucket: another gateway's
   * files would look the same.
   */
  removeStrays: boolean
  /** The number of strays that the operator allows to be removed. */
  allowed?: number
  /** Seconds for which an object may be on its way into the catalog. */
  grace: number
  now: () => Date
  report: Report
  signal: AbortSignal
}

/** What was listed before the records were, less what the records name. */
export type Strays = { objects: Set<string>; sessions: Map<string, MultipartInfo> }

/** Null where a run may remove them; else why not, and what to do. `listed`: how many there were before. */
export function tooManyStrays(
  { objects, sessions }: Strays,
  { listed, allowed = 0 }: { listed: number; allowed?: number | undefined },
): string | null {
  const found = objects.size + sessions.size
  const limit = orphanLimit(listed)
  if (found <= Math.max(limit, allowed)) return null
  return (
    `${found} of ${listed} objects and multipart uploads have no record in the catalog; the limit is ${limit}. ` +
    'Nothing was removed. A catalog that was lost or replaced looks like this: put back the catalog of this store. ' +
    `If they are not needed, add: --yes-delete ${found}`
  )
}

/** Removed is what is older than the grace: before, a copy may be about to be recorded. */
/** `keepStrays`: why none is removed; null: they may be. */
type Options = VerifyFilesOptions & { keepStrays: string | null }

export async function verifyStrays(o: Options, { objects, sessions }: Strays): Promise<void> {
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
    detail: `no file has this object of ${head.contentLength} bytes${kept(o)}`,
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
    // Ended since it was listed.
    if (isStorageError(error, 'NoSuchUpload')) return
    throw error
  }
  o.report.problem({
    ...ref,
    uploadId,
    kind: 'session-without-upload',
    detail: `no pending upload has this multipart upload${kept(o)}`,
    repair: mayRemove(o) ? 'removed' : 'left',
  })
}

const isYoung = ({ now, grace }: VerifyFilesOptions, since: Date): boolean =>
  now().getTime() - since.getTime() < grace * 1000

const mayRemove = ({ repair, removeStrays, keepStrays }: Options): boolean =>
  repair && removeStrays && keepStrays === null

const kept = ({ repair, removeStrays, keepStrays }: Options): string => {
  if (!repair) return ''
  return removeStrays
    ? keepStrays === null
      ? ''
      : `; ${keepStrays}`
    : '; left alone, for another gateway may use this bucket'
}
