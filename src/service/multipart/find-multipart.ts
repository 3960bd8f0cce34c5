/** Finds a multipart upload, with the errors that all use cases of multipart uploads share. */
import type { FileRecord, UploadGrant } from '../../catalog/catalog.ts'
import { noPendingUpload } from '../uploads/verify-upload.ts'
import { StorageError } from '../../errors.ts'
import type { ServiceDeps } from '../deps.ts'

export type Multipart = NonNullable<UploadGrant['multipart']>
/** A pending multipart upload whose store is open. */
export type OpenMultipart = { file: FileRecord; grant: UploadGrant; multipart: Multipart }

/**
 * The owner's multipart upload, or its file once it is confirmed. Errors: NotFound (also for an upload of another
 * owner), InvalidRequest for an upload that is sent in one request.
 */
export async function findMultipart(
  deps: ServiceDeps,
  owner: string,
  id: string,
): Promise<OpenMultipart | { confirmed: FileRecord }> {
  const found = await deps.catalog.findUpload(owner, { id })
  if (found?.grant && found.grant.method !== 'MULTIPART' && isThere(found.file)) throw notMultipart(id)
  if (found?.file.status === 'confirmed') return { confirmed: found.file }
  if (found?.file.status !== 'pending' || !found.grant?.multipart) throw noPendingUpload(id)
  // The parts are in a store that the gateway used before and has not opened.
  if (!deps.stores.has(found.file)) throw noPendingUpload(id)
  return { file: found.file, grant: found.grant, multipart: found.grant.multipart }
}

/** Errors: those of findMultipart, and ConditionalConflict once it is confirmed. */
export async function openMultipart(deps: ServiceDeps, owner: string, id: string): Promise<OpenMultipart> {
  const found = await findMultipart(deps, owner, id)
  if ('confirmed' in found) throw alreadyComplete(id)
  return found
}

const isThere = ({ status }: FileRecord) => status === 'pending' || status === 'confirmed'

const notMultipart = (id: string) =>
  new StorageError('InvalidRequest', {
    resource: `/files/${id}`,
    message: 'This is not a multipart upload. Send its bytes to its upload URL, then POST /files/confirm.',
  })

export const alreadyComplete = (id: string): StorageError =>
  new StorageError('ConditionalConflict', {
    resource: `/files/${id}`,
    message: `This upload is complete. Read its file with GET /files/${id}.`,
  })

export const noSuchParts = (id: string): StorageError =>
  new StorageError('NoSuchUpload', {
    resource: `/files/${id}`,
    message: 'The store no longer has this multipart upload. Abort it and start a new one.',
  })

/**
 * The file of the owner's multipart upload with this key and uploadId, for clients that store those two. Errors:
 * NoSuchUpload, also for an upload of another owner.
 */
export async function multipartByKey(
  deps: Pick<ServiceDeps, 'catalog'>,
  owner: string,
  { key, uploadId }: { key: string; uploadId: string },
): Promise<{ id: string }> {
  const found = await deps.catalog.findUpload(owner, { key })
  if (found?.grant?.multipart?.uploadId === uploadId) return { id: found.file.id }
  throw new StorageError('NoSuchUpload', {
    message: 'You have no such multipart upload. It may have expired. Start a new one.',
  })
}
