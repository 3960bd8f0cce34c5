/** The catalog against the store, on either driver: what `postern verify` finds beyond the store itself. */
import type { Catalog, FileRecord, Upload } from '../../catalog/catalog.ts'
import type { Checksum, MultipartInfo, ObjectHead, ObjectRef, Problem, StorageDriver } from '../../drivers/driver.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import { tooManyStrays, verifyStrays, type Strays, type VerifyFilesOptions } from './verify-orphans.ts'
import { issuedPrefixes } from '../../gateway-names.ts'
import { isStorageError } from '../../errors.ts'
import { isComputable, storedChecksum } from '../uploads/checksums.ts'

export const pageSize = 500
const atOnce = 8

/** Errors: those of the catalog, and the store's where it cannot be asked at all. */
export async function verifyFiles(o: VerifyFilesOptions): Promise<void> {
  // Listed first: whatever is there now has had a record for some time.
  const strays = await listStrays(o.stores.current, o)
  const listed = strays.objects.size + strays.sessions.size
  await forgetMovedObjects(o.catalog, strays)
  for (let after: string | undefined; ;) {
    o.signal.throwIfAborted()
    const page = await o.catalog.allUploads({ limit: pageSize, ...(after !== undefined && { after }) })
    if (page.length === 0) break
    after = page.at(-1)!.file.id
    for (const upload of page) forget(strays, upload)
    for (let at = 0; at < page.length; at += atOnce) {
      o.signal.throwIfAborted()
      await Promise.all(page.slice(at, at + atOnce).map((upload) => verifyUpload(o, upload)))
    }
  }
  // Once more: a file may have moved between its page and the first look.
  await forgetMovedObjects(o.catalog, strays)
  const tooMany = tooManyStrays(strays, { listed, allowed: o.allowed })
  await verifyStrays({ ...o, keepStrays: tooMany }, strays)
  await verifyUsage(o)
}

export async function listStrays(
  store: StorageDriver,
  { bucket, signal }: Pick<VerifyFilesOptions, 'bucket' | 'signal'>,
): Promise<Strays> {
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

/** Takes what a record names off the list. */
export function forget({ objects, sessions }: Strays, { file, grant }: Upload): void {
  objects.delete(file.key)
  objects.delete(file.object.key)
  if (grant) objects.delete(grant.target.key)
  if (grant?.multipart) sessions.delete(grant.multipart.uploadId)
}

/** Likewise what moves between stores have left, and copies that are under way. */
export async function forgetMovedObjects(
  catalog: Pick<Catalog, 'movedObjects'>,
  { objects, sessions }: Strays,
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
  // Deleted since it was listed: nothing is missing then.
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
    return left('file-differs', `the object has ${head.contentLength} bytes, the file ${file.size}`)
  }
  if (etag !== undefined && head.etag !== etag)
    return left('file-differs', 'the object is not the one that was confirmed')
  const { checksum } = file
  if (checksum && head.checksum?.algorithm === checksum.algorithm && head.checksum.value !== checksum.value) {
    return left('file-differs', `the object has another ${checksum.algorithm} checksum than the file`)
  }
  return o.deep ? verifyBytes(o, file, head) : null
}

/** Parts that were sent are lost with their session; the upload itself ends by its own time. */
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
    // Completed, and about to be confirmed; or settled since it was listed.
    if (await headOrNull(store, target)) return
    const now = await o.catalog.findUpload(file.owner, { id: file.id })
    if (now?.file.status !== 'pending' || now.grant?.multipart?.uploadId !== uploadId) return
    o.report.problem({
      ...about(file),
      uploadId,
      ...left('upload-without-session', 'the store does not know this multipart upload: it has to be started anew'),
    })
  }
}

async function verifyUsage({ catalog, report, repair }: VerifyFilesOptions): Promise<void> {
  for (const { owner, recorded, counted } of await catalog.usageDifferences()) {
    const detail = `recorded are ${JSON.stringify(recorded)}, there are ${JSON.stringify(counted)}`
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
 * Reads all bytes of a file. The driver compares the checksum that the store holds, this the one of the catalog; a file
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
    return value === (recorded?.value ?? null) ? null : damaged('do not have the checksum that is recorded')
  } catch (error) {
    // Deleted meanwhile.
    if (isStorageError(error, 'NotFound', 'PreconditionFailed')) return null
    if (!isStorageError(error, 'Corrupt')) throw error
    return damaged('are not those that were stored')
  }
}

async function drain({ stores, signal }: VerifyFilesOptions, file: FileRecord, head: ObjectHead): Promise<null> {
  const { versionId } = head
  const stored = await stores.of(file).getObject(file.object, { signal, ...(versionId !== undefined && { versionId }) })
  for await (const _ of stored.stream()) signal.throwIfAborted()
  return null
}

const damaged = (what: string): Found => ({ kind: 'file-damaged', detail: `the bytes ${what}`, repair: 'left' })

/** A composite one is a digest of the parts' digests. */
const isOfBytes = (checksum: Checksum | null | undefined): checksum is Checksum =>
  checksum !== null && checksum !== undefined && checksum.type !== 'COMPOSITE' && !checksum.value.includes('-')
