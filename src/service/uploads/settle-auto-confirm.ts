/** Auto-confirm: settles uploads of clients that never confirm, as soon as their object exists. */
import type { FileRecord, Upload } from '../../catalog/catalog.ts'
import type { ObjectRef } from '../../drivers/driver.ts'
import { isStorageError } from '../../errors.ts'
import type { ServiceDeps } from '../deps.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import { removeUnneeded, settleUpload } from './settle-upload.ts'
import { isPending, isVerified, type PendingUpload } from './verify-upload.ts'

/**
 * Reads may look for the object of one pending upload `maxLooks` times per `lookWindow` milliseconds. A read right
 * after the PUT finds it, and many reads of an object that was never sent cause few requests to the store.
 */
const lookWindow = 5_000
const maxLooks = 5
const maxRemembered = 10_000

const looks = new WeakMap<ServiceDeps['catalog'], Map<string, { since: number; count: number }>>()

function mayLook({ catalog }: ServiceDeps, id: string): boolean {
  const known = looks.get(catalog) ?? new Map<string, { since: number; count: number }>()
  looks.set(catalog, known)
  const now = performance.now()
  const window = known.get(id)
  if (window && now - window.since < lookWindow) return ++window.count <= maxLooks
  known.delete(id)
  known.set(id, { since: now, count: 1 })
  for (const oldest of known.keys()) {
    if (known.size <= maxRemembered) break
    known.delete(oldest)
  }
  return true
}

/**
 * For a read of one upload's bytes. Resolves to the current `file` (null if it was refused), and whether the store was
 * asked. Lists never ask the store, because the objects endpoint settles what it writes, and the collector settles what
 * a bucket received.
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
 * The objects endpoint calls this when a write is durable, before it answers. If the upload is deleted or expired, the
 * object is deleted now instead of by the collector.
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

/** Records the result in the catalog for later readers. If this fails, the first read retries. */
async function verifyWritten(deps: ServiceDeps, upload: PendingUpload): Promise<void> {
  try {
    const head = await headOrNull(deps.stores.of(upload.file), upload.grant.target)
    if (head !== null) await isVerified(deps, upload, head)
  } catch (err) {
    deps.log.warn(
      { err, file: upload.file.id },
      'could not verify a public upload after it was written; the first read retries',
    )
  }
}

/** Resolves to the file, settled if its object exists and unchanged if not. null if it was refused. */
export async function trySettle(deps: ServiceDeps, { file, grant }: Upload): Promise<FileRecord | null> {
  if (file.status !== 'pending' || !grant?.autoConfirm) return file
  try {
    return (await settleUpload(deps, { file, grant })).file
  } catch (err) {
    if (isStorageError(err, 'UploadIncomplete', 'ConditionalConflict')) return file
    deps.log.warn({ err, file: file.id }, 'could not auto-confirm an upload')
    return isStorageError(err, 'UploadMismatch', 'QuotaExceeded') ? null : file
  }
}
