import type { Upload } from '../../catalog/catalog.ts'
import type { ServiceDeps } from '../deps.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import { storedParts } from '../multipart/list-upload-parts.ts'

/** How far a pending upload has come. */
export type UploadProgress =
  /** Nothing is in the store. */
  | { state: 'never-sent' }
  /** Its bytes are coming in now, through this process. */
  | { state: 'being-sent' }
  /** The object is there and nobody has confirmed it. */
  | { state: 'not-confirmed'; storedBytes: number }
  /** A multipart upload, joined or not: `stored` are ascending part numbers, first and last of each run. */
  | { state: 'in-parts'; storedBytes: number; storedParts: number; stored: [first: number, last: number][] }
  /** A multipart upload that the store knows no more: it can only be aborted. */
  | { state: 'lost' }
  /** The store was not asked. */
  | { state: 'not-asked' }
  /** The store did not answer, or the upload belongs to the store that the gateway ran with before. */
  | { state: 'unknown' }

export type PendingUpload = Upload & { progress: UploadProgress }

/** Requests to the store at a time. */
const atOnce = 5

/**
 * A page of the owner's uploads that are not confirmed, newest first. With `progress` each has what the store has of it,
 * which costs a request to the store for each upload; else the store is not asked. Errors: InvalidArgument for a cursor that is none; a store in trouble is none.
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
    deps.log.warn({ err, file: file.id }, 'the store did not say what it has of an upload')
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
