import type { ObjectHeaders, ObjectRef } from '../../drivers/driver.ts'
import type { ServiceDeps } from '../deps.ts'
import { storedHeaders } from '../downloads/object-headers.ts'

/**
 * The objects endpoint calls this before it writes an object. Resolves to the headers that the object gets, whatever
 * the request contains, and its maximum size. null if no upload was granted for the key.
 */
export async function grantedWrite(
  deps: ServiceDeps,
  ref: ObjectRef,
): Promise<{ headers: ObjectHeaders; maxBytes: number } | null> {
  const upload = ref.bucket === deps.config.storage.bucket ? await deps.catalog.findUploadByKey(ref.key) : null
  if (!upload?.grant) return null
  const { file, grant } = upload
  // A proxied bucket may serve the object without the gateway before it is verified. Caches must not store it.
  const cacheControl = file.visibility === 'public' ? { cacheControl: 'no-store' } : {}
  // Only a pending upload has a reservation.
  const reserved = file.status === 'pending' ? grant.reservedBytes : deps.config.uploads.maxSize
  return {
    headers: { ...storedHeaders(deps, file), ...cacheControl },
    maxBytes: grant.declaredSize ?? reserved,
  }
}

/**
 * Aborts the running writes of a deleted upload. A worker that does not answer does not delay the deletion, because
 * the collector deletes what it writes.
 */
export async function endWrites(deps: ServiceDeps, target: ObjectRef, file: string): Promise<void> {
  try {
    await deps.endWrites?.(target)
  } catch (err) {
    deps.log.warn({ err, file }, 'could not abort the running writes of a deleted upload')
  }
}
