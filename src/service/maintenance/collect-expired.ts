/**
 * One pass of the collector: expires unconfirmed uploads, deletes what late requests left at issued keys, and settles
 * auto-confirmed uploads. Can be interrupted and repeated at any point, also next to another process's pass.
 */
import type { FileRecord, Upload, UploadGrant } from '../../catalog/catalog.ts'
import type { ObjectRef, StorageDriver } from '../../drivers/driver.ts'
import { isStorageError } from '../../errors.ts'
import { collectIdleUploads } from './count-due.ts'
import { confirmBy } from '../uploads/grant-upload.ts'
import { removeMoved } from '../stores/remove-moved.ts'
import { settleUpload } from '../uploads/settle-upload.ts'
import { storedParts } from '../multipart/list-upload-parts.ts'
import type { ServiceDeps } from '../deps.ts'
import { keepsSource, removeVersions, restoreCopy } from '../stores/stored-objects.ts'
import { removeParts } from '../multipart/remove-parts.ts'

/**
 * Counts of uploads: auto-confirmed, expired, cleared of leftovers at their key, and left to the next pass after an
 * error. `aborted` counts multipart uploads of access keys.
 */
export type Collected = { confirmed: number; expired: number; cleared: number; aborted: number; failed: number }

/** Whether to check for the object of an auto-confirmed upload now. Each call counts as a check. */
export type IsDue = (fileId: string) => boolean

type Granted = { file: FileRecord; grant: UploadGrant }
type Outcome = keyof Collected | 'left'

/** Uploads handled concurrently, because most of the time is spent waiting for the store. */
const atOnce = 5
const day = 86_400_000
/** Milliseconds for which an owner still sees an expired link. */
const expiredLinksKept = 7 * day
/** Consecutive failures after which the store counts as down and the remaining uploads wait for the next pass. */
const patience = 10

/** `limit` is the size of a page, not of the pass. Errors: those of the catalog. The store's are logged and counted. */
export async function collectExpired(
  deps: ServiceDeps,
  o: { limit?: number; signal?: AbortSignal; isDue?: IsDue } = {},
): Promise<Collected> {
  const { catalog, now } = deps
  const limit = o.limit ?? 200
  const collected: Collected = { confirmed: 0, expired: 0, cleared: 0, aborted: 0, failed: 0 }

  async function each(
    page: (after?: Upload) => Promise<Upload[]>,
    act: (deps: ServiceDeps, upload: Granted) => Promise<Outcome>,
  ): Promise<void> {
    let failures = 0
    let uploads = await page()
    while (uploads.length > 0) {
      for (let at = 0; at < uploads.length; at += atOnce) {
        if (o.signal?.aborted || failures >= patience) return
        const outcomes = await Promise.all(uploads.slice(at, at + atOnce).map((upload) => attempt(deps, upload, act)))
        for (const outcome of outcomes) {
          failures = outcome === 'failed' ? failures + 1 : 0
          if (outcome !== 'left') collected[outcome] += 1
        }
      }
      uploads = await page(uploads.at(-1))
    }
  }

  const ago = (milliseconds: number) => new Date(now().getTime() - milliseconds)
  await catalog.forgetLinks(ago(expiredLinksKept))
  await catalog.forgetDeliveries({ delivered: ago(7 * day), any: ago(30 * day) })
  await each((after) => catalog.overdueUploads(now(), limit, after), expireOverdue)
  await each((after) => catalog.removableGrants(now(), limit, after), clearSettled)
  await each(
    (after) => catalog.autoConfirmable({ limit, ...(after && { after }) }),
    async (at, upload) => (o.isDue?.(upload.file.id) === false ? 'left' : settle(at, upload)),
  )
  const moved = await removeMoved(deps, { due: now() }, o)
  collected.cleared += moved.removed
  collected.failed += moved.failed
  try {
    collected.aborted = await collectIdleUploads(deps, { remove: true, ...(o.signal && { signal: o.signal }) })
  } catch (err) {
    deps.log.warn({ err }, 'could not abort idle multipart uploads; the next pass retries')
    collected.failed++
  }
  return collected
}

/** Settles only auto-confirmed uploads. Errors: those of the catalog. */
export async function collectArrived(
  deps: ServiceDeps,
  o: { limit?: number; signal?: AbortSignal; isDue: IsDue },
): Promise<number> {
  const limit = o.limit ?? 200
  let confirmed = 0
  let failures = 0
  let uploads = await deps.catalog.autoConfirmable({ limit })
  while (uploads.length > 0) {
    const due = uploads.filter(({ file }) => o.isDue(file.id))
    for (let at = 0; at < due.length; at += atOnce) {
      if (o.signal?.aborted || failures >= patience) return confirmed
      const outcomes = await Promise.all(due.slice(at, at + atOnce).map((upload) => attempt(deps, upload, settle)))
      for (const outcome of outcomes) {
        failures = outcome === 'failed' ? failures + 1 : 0
        if (outcome === 'confirmed') confirmed += 1
      }
    }
    uploads = await deps.catalog.autoConfirmable({ limit, after: uploads.at(-1)! })
  }
  return confirmed
}

async function attempt(
  deps: ServiceDeps,
  { file, grant }: Upload,
  act: (deps: ServiceDeps, upload: Granted) => Promise<Outcome>,
): Promise<Outcome> {
  if (!grant) return 'left'
  try {
    return await act(deps, { file, grant })
  } catch (err) {
    deps.log.warn({ err, file: file.id }, 'could not collect an upload; the next pass retries')
    return 'failed'
  }
}

/** Leaves the object to `clearSettled`, which finds the expired upload in the same pass, or after a crash. */
async function expireOverdue(deps: ServiceDeps, upload: Granted): Promise<Outcome> {
  const { file, grant } = upload
  if (deps.stores.has(file)) {
    const isBeingWritten = await deps.stores.of(file).isBeingWritten(grant.target)
    if (isBeingWritten || (await isStillSendingParts(deps, upload))) return 'left'
    if (grant.autoConfirm) {
      const outcome = await settle(deps, upload)
      if (outcome !== 'left') return outcome
    }
  }
  return (await deps.catalog.expireUpload(file.id, deps.now(), { onlyIfOverdue: true })) ? 'expired' : 'left'
}

/**
 * A multipart upload stays pending for `confirmWithin` after its newest part, even if its URLs were issued long ago.
 */
async function isStillSendingParts(deps: ServiceDeps, { file, grant }: Granted): Promise<boolean> {
  if (!grant.multipart) return false
  const newest = await newestPart(deps.stores.of(file), grant.target, grant.multipart.uploadId)
  if (newest === null) return false
  const until = confirmBy(deps, newest)
  if (until <= deps.now()) return false
  const { urlExpiresAt, writeOnce } = grant
  await deps.catalog.renewUpload(file.id, { urlExpiresAt, confirmBy: until, writeOnce })
  return true
}

async function newestPart(store: StorageDriver, target: ObjectRef, uploadId: string): Promise<Date | null> {
  const parts = (await storedParts(store, target, uploadId)) ?? []
  const [first, ...rest] = parts.map(({ lastModified }) => lastModified)
  return first === undefined ? null : rest.reduce((newest, at) => (at > newest ? at : newest), first)
}

/** `left` if the object does not exist yet. */
async function settle(deps: ServiceDeps, upload: Granted): Promise<Outcome> {
  if (!deps.stores.has(upload.file)) return 'left'
  try {
    const { created } = await settleUpload(deps, upload)
    return created ? 'confirmed' : 'left'
  } catch (err) {
    if (isStorageError(err, 'UploadIncomplete')) return 'left'
    if (!isStorageError(err, 'UploadMismatch', 'QuotaExceeded')) throw err
    deps.log.warn({ err, file: upload.file.id }, 'an auto-confirmed upload was refused and deleted')
    return 'expired'
  }
}

async function clearSettled(deps: ServiceDeps, upload: Granted): Promise<Outcome> {
  const { file, grant } = upload
  // Objects in a store that is not open are cleared when the gateway opens that store again.
  if (!deps.stores.has(file) || (await deps.stores.of(file).isBeingWritten(grant.target))) return 'left'
  await clearGrant(deps, upload)
  await deps.catalog.dropGrant(file.id)
  return 'cleared'
}

/**
 * Makes the store match the catalog once all URLs of the grant have expired. Of a deleted or expired file nothing
 * stays, and of a confirmed file only its sealed bytes. Errors: the store's.
 */
export async function clearGrant(
  deps: ServiceDeps,
  { file, grant }: { file: FileRecord; grant: UploadGrant },
): Promise<void> {
  const store = deps.stores.of(file)
  const { target } = grant
  const isMoved = target.bucket !== file.object.bucket || target.key !== file.object.key
  const { versionId } = file.object
  if (grant.method === 'MULTIPART') {
    await removeParts(deps, file, target, file.status === 'confirmed' ? null : grant.multipart)
  }
  if (file.status === 'confirmed') {
    if (isMoved) await (keepsSource(deps, file) ? restoreCopy(deps, file, target) : removeVersions(store, target))
    else if (versionId !== undefined) await removeVersions(store, target, versionId)
    return
  }
  if (versionId !== undefined) await store.deleteObject(file.object, { versionId })
  if (isMoved) await removeVersions(store, file.object)
  await removeVersions(store, target)
}
