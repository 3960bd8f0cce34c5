/** Uploads that count as confirmed once their object is there, for clients that never confirm. */
import type { FileRecord, Upload } from '../../catalog/catalog.ts'
import type { ObjectRef } from '../../drivers/driver.ts'
import { isStorageError } from '../../errors.ts'
import type { ServiceDeps } from '../deps.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import { removeUnneeded, settleUpload } from './settle-upload.ts'
import { isPending, isVerified, type PendingUpload } from './verify-upload.ts'

/**
 * Milliseconds, and how often a read may look for the object of one pending upload in that time. A read right after the
 * PUT finds it; a flood of reads of something that was never sent costs the store no more than this.
 */
const lookWindow = 5_000
const mostLooks = 5
const maxRemembered = 10_000

const looks = new WeakMap<ServiceDeps['catalog'], Map<string, { since: number; count: number }>>()

function mayLook({ catalog }: ServiceDeps, id: string): boolean {
  const known = looks.get(catalog) ?? new Map<string, { since: number; count: number }>()
  looks.set(catalog, known)
  const now = performance.now()
  const window = known.get(id)
  if (window && now - window.since < lookWindow) return ++window.count <= mostLooks
  known.delete(id)
  known.set(id, { since: now, count: 1 })
  for (const oldest of known.keys()) {
    if (known.size <= maxRemembered) break
    known.delete(oldest)
  }
  return true
}

/**
 * For a read of one upload's bytes: `file` as it is now (null if it was refused), and whether the store was asked. Lists
 * never ask the store: the objects endpoint settles what it writes, the collector what a bucket received.
 */
export async function settleForRead(
  deps: ServiceDeps,
  upload: Upload,
): Promise<{ file: FileRecord | null; looked: boolean }> {
  if (upload.file.status !== 'pending') return { file: upload.file, looked: false }
  if (!mayLook(deps, upload.file.id)) return { file: upload.file, looked: false }
  return { file: await trySettle(deps, upload), looked: true }
}

/**
 * The objects endpoint calls this when a write is durable, before it answers. What a live URL wrote for an upload that
 * is deleted or has expired belongs to nobody, and is not kept until the collector comes.
 */
export async function settleWrittenObject(deps: ServiceDeps, ref: ObjectRef): Promise<void> {
  if (ref.bucket !== deps.config.storage.bucket) return
  const upload = await deps.catalog.findUploadByKey(ref.key)
  if (!upload) return
  const { status } = upload.file
  if (status === 'deleted' || status === 'expired') await removeUnneeded(deps, upload.file, ref)
  else if (upload.file.visibility === 'public' && isPending(upload) && !upload.grant.autoConfirm) {
    await verifyWritten(deps, upload)
  } else await trySettle(deps, upload)
}

/** Whoever reads the object later finds the answer in the catalog. What fails now is tried again by the first reader. */
async function verifyWritten(deps: ServiceDeps, upload: PendingUpload): Promise<void> {
  try {
    const head = await headOrNull(deps.stores.of(upload.file), upload.grant.target)
    if (head !== null) await isVerified(deps, upload, head)
  } catch (err) {
    deps.log.warn({ err, file: upload.file.id }, 'a public upload could not be verified after it was written')
  }
}

/**
 * The file as it is now: settled if its object has arrived, unchanged if it has not, null if it was refused.
 */
export async function trySettle(deps: ServiceDeps, { file, grant }: Upload): Promise<FileRecord | null> {
  if (file.status !== 'pending' || !grant?.autoConfirm) return file
  try {
    return (await settleUpload(deps, { file, grant })).file
  } catch (err) {
    if (isStorageError(err, 'UploadIncomplete', 'ConditionalConflict')) return file
    deps.log.warn({ err, file: file.id }, 'an upload could not be confirmed by itself')
    return isStorageError(err, 'UploadMismatch', 'QuotaExceeded') ? null : file
  }
}
