import type { Upload } from '../../catalog/catalog.ts'
import type { ObjectHead, ObjectHeaders, ObjectRef } from '../../drivers/driver.ts'
import type { ServiceDeps } from '../deps.ts'
import { servedAs } from './object-headers.ts'
import { settleForRead } from '../uploads/settle-auto-confirm.ts'
import { isPending, isVerified } from '../uploads/verify-upload.ts'

/** The object that anyone may read at a public key. */
export type PublicObject = {
  /** From the record, never from the request that sent the bytes. */
  headers: ObjectHeaders
  versionId?: string
  /** Whether the object that the store describes is the verified one. */
  accepts(head: ObjectHead): Promise<boolean>
}

/**
 * The objects endpoint calls this before it serves a key below the public prefix to a client without further rights.
 * `no upload`: no upload was granted for this key, so the gateway or its operator wrote the object. null: there is
 * nothing to serve.
 */
export async function publicObject(deps: ServiceDeps, ref: ObjectRef): Promise<PublicObject | 'no upload' | null> {
  const found = await deps.catalog.findUploadByKey(ref.key)
  if (!found) return 'no upload'
  if (found.file.visibility !== 'public') return null
  const { file } = await settleForRead(deps, found)
  const upload: Upload = { ...found, file: file ?? found.file }
  if (file === null) return null
  if (file.status === 'confirmed') return confirmedObject(deps, upload, ref)
  if (!isPending(upload)) return null
  return {
    headers: { ...servedAs(deps, file), cacheControl: 'no-store' },
    accepts: (head) => isVerified(deps, upload, head),
  }
}

function confirmedObject(deps: ServiceDeps, { file }: Upload, ref: ObjectRef): PublicObject {
  const { key, versionId, etag } = file.object
  const isHere = key === ref.key
  return {
    headers: servedAs(deps, file),
    ...(isHere && versionId !== undefined ? { versionId } : {}),
    // The issued key of a file that was sealed at another key may contain a late write.
    accepts: async (head) => isHere || (head.etag === etag && head.contentLength === file.size),
  }
}
