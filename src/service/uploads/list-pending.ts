import type { Upload } from '../../catalog/catalog.ts'
import type { ServiceDeps } from '../deps.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import { storedParts } from '../multipart/list-upload-parts.ts'

/** The progress of a pending upload. */
export type UploadProgress =
  /** The store has nothing of it. */
  | { state: 'never-sent' }
  /** This server is receiving its bytes now. */
  | { state: 'being-sent' }
  /** The object exists, but the upload is not confirmed. */
  | { state: 'not-confirmed'; storedBytes: number }
  /** A multipart upload with parts. `stored` lists the stored part numbers as ascending ranges. */
  | { state: 'in-parts'; storedBytes: number; storedParts: number; stored: [first: number, last: number][] }
  /** A multipart upload that the store no longer has. It can only be aborted. */
  | { state: 'lost' }
  /** The store was not asked. */
  | { state: 'not-asked' }
  /** The store did not answer, or the upload is in a store that is not open. */
  | { state: 'unknown' }

export type PendingUpload = Upload & { progress: UploadProgress }

/** Concurrent requests to the store. */
const atOnce = 5

/**
 * A page of the owner's unconfirmed uploads, newest first. With `progress`, the store is asked about each upload, which
 * costs one request or more per upload. Errors: InvalidArgument for an invalid cursor. Failures of the store are not
 * errors here. They give the state `unknown`.
 */
export async function listPending(
  deps: ServiceDeps,
  owner: string,
  { progress, ...o }: { limit: number; cursor?: string; progress?: boolean },
): Promise<{ uploads: PendingUpload[]; nextCursor: string | null }> {
  const page = await deps.catalog.pendingUploads(owner, o)
  if (!progress) {
    const uploads = page.uploads.map((upload) => ({ ...upload, progress: { state: 'not-asked' as const } }))
    return { ...page, uploads }
  }
  const uploads: PendingUpload[] = []
  for (let at = 0; at < page.uploads.length; at += atOnce) {
    const some = page.uploads.slice(at, at + atOnce)
    uploads.push(
      ...(await Promise.all(some.map(async (upload) => ({ ...upload, progress: await progressOf(deps, upload) })))),
    )
  }
  return { uploads, nextCursor: page.nextCursor }
}

async function progressOf(deps: ServiceDeps, { file, grant }: Upload): Promise<UploadProgress> {
  if (!grant || !deps.stores.has(file)) return { state: 'unknown' }
  const store = deps.stores.of(file)
  try {
    const parts = grant.multipart && (await storedParts(store, grant.target, grant.multipart.uploadId))
    if (parts) return inParts(parts)
    const head = await headOrNull(store, grant.target)
    if (head) return { state: 'not-confirmed', storedBytes: head.contentLength }
    if (grant.multipart) return { state: 'lost' }
    return { state: (await store.isBeingWritten(grant.target)) ? 'being-sent' : 'never-sent' }
  } catch (err) {
    deps.log.warn({ err, file: file.id }, 'could not read the progress of an upload from the store')
    return { state: 'unknown' }
  }
}

function inParts(parts: readonly { partNumber: number; contentLength: number }[]): UploadProgress {
  const stored: [number, number][] = []
  let storedBytes = 0
  for (const { partNumber, contentLength } of parts) {
    storedBytes += contentLength
    const run = stored.at(-1)
    if (run && run[1] === partNumber - 1) run[1] = partNumber
    else stored.push([partNumber, partNumber])
  }
  return { state: 'in-parts', storedBytes, storedParts: parts.length, stored }
}
