import { StorageError } from '../errors.ts'
import type { ServiceDeps } from './deps.ts'

/**
 * The file of the owner's multipart upload that the store knows by this key and uploadId, for clients that keep those
 * two. Errors: NoSuchUpload, also for someone else's.
 */
export async function multipartByKey(
  deps: Pick<ServiceDeps, 'catalog'>,
  owner: string,
  { key, uploadId }: { key: string; uploadId: string },
): Promise<{ id: string }> {
  const found = await deps.catalog.findUpload(owner, { key })
  if (found?.grant?.multipart?.uploadId === uploadId) return { id: found.file.id }
  throw new StorageError('NoSuchUpload', {
    message: 'There is no such multipart upload: it was never begun by you, or is long over. Begin a new one.',
  })
}
