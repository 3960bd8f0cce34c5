/** `postern verify`: compares the catalog with the store, for every driver. */
import type { Catalog, FileRecord, Upload } from '../../catalog/catalog.ts'
import type { Checksum, MultipartInfo, ObjectHead, ObjectRef, Problem, StorageDriver } from '../../drivers/driver.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import { tooManyOrphans, verifyOrphans, type OrphanCandidates, type VerifyFilesOptions } from './verify-orphans.ts'
import { issuedPrefixes } from '../../gateway-names.ts'
import { isStorageError } from '../../errors.ts'
import { isComputable, storedChecksum } from '../uploads/checksums.ts'

export const pageSize = 500
const atOnce = 8

/** Errors: those of the catalog, and the store's if it cannot be reached at all. */
export async function verifyFiles(o: VerifyFilesOptions): Promise<void> {
  // List the store before the records, so that a file that is confirmed during the run does not look like an orphan.
  const candidates = await listOrphanCandidates(o.stores.current, o)
  const listed = candidates.objects.size + candidates.sessions.size
  await forgetMovedObjects(o.catalog, candidates)
  for (let after: string | undefined; ;) {
    o.signal.throwIfAborted()
    const page = await o.catalog.allUploads({ limit: pageSize, ...(after !== undefined && { after }) })
    if (page.length === 0) break
    after = page.at(-1)!.file.id
    for (const upload of page) forget(candidates, upload)
    for (let at = 0; at < page.length; at += atOnce) {
      o.signal.throwIfAborted()
      await Promise.all(page.slice(at, at + atOnce).map((upload) => verifyUpload(o, upload)))
    }
  }
  // Repeat this, because a file may have moved since its page was read.
  await forgetMovedObjects(o.catalog, candidates)
  const tooMany = tooManyOrphans(candidates, { listed, allowed: o.allowed })
  await verifyOrphans({ ...o, keepOrphans: tooMany }, candidates)
  await verifyUsage(o)
}

export async function listOrphanCandidates(
  store: StorageDriver,
  { bucket, signal }: Pick<VerifyFilesOptions, 'bucket' | 'signal'>,
): Promise<OrphanCandidates> {
  const objects = new Set<string>()
  const sessions = new Map<string, MultipartInfo>()
  for (const prefix of issuedPrefixes) {
    for (let token: string | undefined; ;) {
      const page = await store.listObjects({
        bucket,
        prefix,
        signal,
        ...(token !== undefined && { continuationToken: token }),
      })
      for (const { key } of page.objects) objects.add(key)
      token = page.nextContinuationToken
      if (!page.isTruncated || token === undefined) break
    }
    let after: { keyMarker?: string; uploadIdMarker?: string } = {}
    for (;;) {
      const page = await store.listMultipartUploads({ bucket, prefix, ...after })
      for (const session of page.uploads) sessions.set(session.uploadId, session)
      if (!page.isTruncated || page.nextKeyMarker === undefined) break
      after = {
        keyMarker: page.nextKeyMarker,
        ...(page.nextUploadIdMarker !== undefined && { uploadIdMarker: page.nextUploadIdMarker }),
      }
    }
  }
  return { objects, sessions }
}

/** Removes the objects that a record names. */
export function forget({ objects, sessions }: OrphanCandidates, { file, grant }: Upload): void {
  objects.delete(file.key)
  objects.delete(file.object.key)
  if (grant) objects.delete(grant.target.key)
  if (grant?.multipart) sessions.delete(grant.multipart.uploadId)
}

/** Removes the old copies of moved files, and copies in progress. */
export async function forgetMovedObjects(
  catalog: Pick<Catalog, 'movedObjects'>,
  { objects, sessions }: OrphanCandidates,
): Promise<void> {
  for (let after: string | undefined; ;) {
    const page = await catalog.movedObjects({ limit: pageSize, ...(after !== undefined && { after }) })
    const keys = new Set(page.map(({ object }) => object.key))
    for (const key of keys) objects.delete(key)
    for (const [uploadId, { key }] of sessions) if (keys.has(key)) sessions.delete(uploadId)
    if (page.length < pageSize) return
    after = page.at(-1)!.id
  }
}

async function verifyUpload(o: VerifyFilesOptions, { file, grant }: Upload): Promise<void> {
  if (!o.stores.has(file)) return o.report.count('filesElsewhere')
  if (file.status === 'pending' && grant?.multipart)
    return verifySession(o, file, grant.target, grant.multipart.uploadId)
  if (file.status !== 'confirmed') return
  o.report.count('files')
  const found = await compare(o, file)
  // A file that was deleted since it was listed is not a problem.
  if (found && (await o.catalog.getFile(file.owner, file.id))) o.report.problem({ ...about(file), ...found })
}

type Found = Pick<Problem, 'kind' | 'detail' | 'repair'>

async function compare(o: VerifyFilesOptions, file: FileRecord): Promise<Found | null> {
  const { versionId, etag } = file.object
  let head: ObjectHead
  try {
    head = await o.stores.of(file).headObject(file.object, versionId === undefined ? {} : { versionId })
  } catch (error) {
    if (!isStorageError(error, 'NotFound', 'NoSuchBucket')) throw error
    return left('file-without-object', 'the object of this file is not in the store')
  }
  if (head.contentLength !== file.size) {
    return left('file-differs', `the object has ${head.contentLength} bytes, but the file has ${file.size}`)
  }
  if (etag !== undefined && head.etag !== etag)
    return left('file-differs', 'the object is not the one that was confirmed')
  const { checksum } = file
  if (checksum && head.checksum?.algorithm === checksum.algorithm && head.checksum.value !== checksum.value) {
    return left('file-differs', `the ${checksum.algorithm} checksums of the object and the file differ`)
  }
  return o.deep ? verifyBytes(o, file, head) : null
}

/** If the store has lost a multipart upload, its parts are lost too. The upload in the catalog expires at its time. */
async function verifySession(
  o: VerifyFilesOptions,
  file: FileRecord,
  target: ObjectRef,
  uploadId: string,
): Promise<void> {
  const store = o.stores.of(file)
  o.report.count('multipartUploads')
  try {
    await store.listParts(target, uploadId, { maxParts: 1 })
  } catch (error) {
    if (!isStorageError(error, 'NoSuchUpload')) throw error
    // The upload was completed and is about to be confirmed, or was settled since it was listed.
    if (await headOrNull(store, target)) return
    const now = await o.catalog.findUpload(file.owner, { id: file.id })
    if (now?.file.status !== 'pending' || now.grant?.multipart?.uploadId !== uploadId) return
    o.report.problem({
      ...about(file),
      uploadId,
      ...left(
        'upload-without-session',
        'the store does not have this multipart upload; the client must start it again',
      ),
    })
  }
}

async function verifyUsage({ catalog, report, repair }: VerifyFilesOptions): Promise<void> {
  for (const { owner, recorded, counted } of await catalog.usageDifferences()) {
    const detail = `recorded: ${JSON.stringify(recorded)}, counted: ${JSON.stringify(counted)}`
    if (repair) await catalog.recountUsage(owner)
    report.problem({ kind: 'usage', owner, detail, repair: repair ? 'corrected' : 'left' })
  }
}

const left = (kind: Problem['kind'], detail: string): Found => ({ kind, detail, repair: 'left' })

const about = ({ id, owner, object }: FileRecord): Pick<Problem, 'file' | 'owner' | 'bucket' | 'key'> => ({
  file: id,
  owner,
  bucket: object.bucket,
  key: object.key,
})

/**
 * Reads all bytes of a file. The driver compares the store's checksum, and this function compares the catalog's. A file
 * that has neither is counted as `filesWithoutChecksum`.
 */
export async function verifyBytes(o: VerifyFilesOptions, file: FileRecord, head: ObjectHead): Promise<Found | null> {
  const { checksum: stored, ...bare } = head
  const recorded = isOfBytes(file.checksum) && isComputable(file.checksum.algorithm) ? file.checksum : null
  if (!recorded && !isOfBytes(stored)) o.report.count('filesWithoutChecksum')
  try {
    const value = recorded
      ? await storedChecksum(o.stores.of(file), file.object, bare, recorded.algorithm)
      : await drain(o, file, head)
    o.report.count('bytes', head.contentLength)
    return value === (recorded?.value ?? null) ? null : damaged('do not have the recorded checksum')
  } catch (error) {
    // Deleted during the check.
    if (isStorageError(error, 'NotFound', 'PreconditionFailed')) return null
    if (!isStorageError(error, 'Corrupt')) throw error
    return damaged('differ from those that were stored')
  }
}

async function drain({ stores, signal }: VerifyFilesOptions, file: FileRecord, head: ObjectHead): Promise<null> {
  const { versionId } = head
  const stored = await stores.of(file).getObject(file.object, { signal, ...(versionId !== undefined && { versionId }) })
  for await (const _ of stored.stream()) signal.throwIfAborted()
  return null
}

const damaged = (what: string): Found => ({ kind: 'file-damaged', detail: `the bytes ${what}`, repair: 'left' })

/** False for a composite checksum, which is a digest of the parts' digests. */
const isOfBytes = (checksum: Checksum | null | undefined): checksum is Checksum =>
  checksum !== null && checksum !== undefined && checksum.type !== 'COMPOSITE' && !checksum.value.includes('-')
