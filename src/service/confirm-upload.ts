import { StorageError } from '../errors.ts'
import { parseChecksum } from './checksums.ts'
import type { ServiceDeps } from './deps.ts'
import { parseFilename } from './filename.ts'
import { parseMediaType } from './media-type.ts'
import { noPendingUpload } from './renew-upload.ts'
import { settleUpload, type Settled } from './settle-upload.ts'
import type { Claims } from './verify-object.ts'

export type ConfirmUpload = Claims & { by: { id: string } | { key: string }; filename?: string }

/**
 * Verifies the stored object against its grant and records the file; `created` is false when it was recorded before.
 * Errors: NotFound, UploadIncomplete, UploadMismatch, QuotaExceeded, ConditionalConflict.
 */
export async function confirmUpload(deps: ServiceDeps, owner: string, input: ConfirmUpload): Promise<Settled> {
  const claims = {
    ...(input.filename === undefined ? {} : { filename: parseFilename(input.filename) }),
    ...(input.mimeType === undefined ? {} : { mimeType: parseMediaType(input.mimeType) }),
    ...(input.size === undefined ? {} : { size: input.size }),
    ...(input.checksum === undefined ? {} : { checksum: parseChecksum(input.checksum) }),
  }
  const found = await deps.catalog.findUpload(owner, input.by)
  if (found?.file.status === 'confirmed') return { file: found.file, created: false }
  if (found?.file.status !== 'pending' || !found.grant) {
    throw noPendingUpload('id' in input.by ? input.by.id : input.by.key)
  }
  if (found.grant.method === 'MULTIPART') {
    throw new StorageError('UploadIncomplete', { message: 'This is a multipart upload: complete it instead.' })
  }
  return settleUpload(deps, { file: found.file, grant: found.grant }, claims)
}
