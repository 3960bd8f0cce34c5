import type { ObjectRef } from '../../drivers/driver.ts'
import { StorageError } from '../../errors.ts'
import type { ServiceDeps } from '../deps.ts'
import { storedParts } from './list-upload-parts.ts'

export type ArrivingPart = { uploadId: string; partNumber: number; contentLength: number }

/**
 * The objects endpoint calls this before it reads a part. The stored parts may exceed the granted size by one part at
 * most. The exact size is checked when the parts are joined. Errors: EntityTooLarge.
 */
export async function admitPart(deps: ServiceDeps, ref: ObjectRef, part: ArrivingPart): Promise<void> {
  const upload = ref.bucket === deps.config.storage.bucket ? await deps.catalog.findUploadByKey(ref.key) : null
  const { uploadId, partNumber, contentLength } = part
  // The store decides about other uploads. Usually it has none with this id.
  if (!upload?.grant?.multipart || upload.grant.multipart.uploadId !== uploadId) return
  const { declaredSize, reservedBytes, multipart } = upload.grant
  const granted = declaredSize ?? reservedBytes
  // Parts with the planned numbers and lengths cannot exceed the granted size together, so they need no listing.
  if (contentLength <= multipart.partSize && partNumber <= Math.ceil(granted / multipart.partSize)) return
  const most = granted + multipart.partSize
  const stored = (await storedParts(deps.stores.of(upload.file), ref, uploadId)) ?? []
  const total = stored.reduce(
    (sum, one) => sum + (one.partNumber === partNumber ? 0 : one.contentLength),
    contentLength,
  )
  if (total <= most) return
  throw new StorageError('EntityTooLarge', {
    message: 'The parts of your upload exceed the granted size',
    details: { ProposedSize: total, MaxSizeAllowed: granted },
  })
}
