/** Objects and multipart uploads below our own prefixes that no record knows. */
import type { MultipartInfo } from '../drivers/driver.ts'
import { isStorageError } from '../errors.ts'
import { headOrNull } from './remove-versions.ts'
import type { VerifyFilesOptions } from './verify-files.ts'

/** What was listed before the records were, less what the records name. */
export type Strays = { objects: Set<string>; sessions: Map<string, MultipartInfo> }

/** Removed is what is older than the grace: before, a copy may be about to be recorded. */
export async function verifyStrays(o: VerifyFilesOptions, { objects, sessions }: Strays): Promise<void> {
  for (const key of objects) {
    o.signal.throwIfAborted()
    await verifyObject(o, key)
  }
  for (const session of sessions.values()) {
    o.signal.throwIfAborted()
    await verifySession(o, session)
  }
}

async function verifyObject(o: VerifyFilesOptions, key: string): Promise<void> {
  const ref = { bucket: o.bucket, key }
  const head = await headOrNull(o, ref)
  if (!head) return
  if (isYoung(o, head.lastModified)) return o.report.count('inFlight')
  if (o.repair && o.removeStrays) await o.driver.deleteObject(ref, { ifMatch: head.etag })
  o.report.problem({
    ...ref,
    kind: 'object-without-file',
    detail: `no file has this object of ${head.contentLength} bytes${kept(o)}`,
    repair: o.repair && o.removeStrays ? 'removed' : 'left',
  })
}

async function verifySession(o: VerifyFilesOptions, { key, uploadId, initiated }: MultipartInfo): Promise<void> {
  if (isYoung(o, initiated)) return o.report.count('inFlight')
  const ref = { bucket: o.bucket, key }
  try {
    await o.driver.listParts(ref, uploadId, { maxParts: 1 })
    if (o.repair && o.removeStrays) await o.driver.abortMultipartUpload(ref, uploadId)
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
    repair: o.repair && o.removeStrays ? 'removed' : 'left',
  })
}

const isYoung = ({ now, grace }: VerifyFilesOptions, since: Date): boolean =>
  now().getTime() - since.getTime() < grace * 1000

const kept = ({ repair, removeStrays }: VerifyFilesOptions): string =>
  repair && !removeStrays ? '; left alone, for another gateway may use this bucket' : ''
