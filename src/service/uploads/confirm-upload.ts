import { StorageError } from '../../errors.ts'
import { parseChecksum } from './checksums.ts'
import type { ServiceDeps } from '../deps.ts'
import { parseFilename } from '../files/file-fields.ts'
import { parseMediaType } from '../content-type/declared-type.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import { noPendingUpload } from './verify-upload.ts'
import { settleUpload, type Settled } from './settle-upload.ts'
import type { Claims } from './verify-upload.ts'

/** The client's claims about the object, and the name to record for the file. */
export type ConfirmClaims = Claims & { filename?: string }
export type ConfirmUpload = ConfirmClaims & { by: { id: string } | { key: string } }

/**
 * Verifies the stored object against its grant and records the file. `created` is false if it was recorded before.
 * Errors: NotFound, UploadIncomplete, UploadMismatch, QuotaExceeded, ConditionalConflict.
 */
export async function confirmUpload(deps: ServiceDeps, owner: string, input: ConfirmUpload): Promise<Settled> {
  const claims = parseClaims(input)
  const found = await deps.catalog.findUpload(owner, input.by)
  if (found?.file.status === 'confirmed') return { file: found.file, created: false }
  if (found?.file.status !== 'pending' || !found.grant) {
    throw noPendingUpload('id' in input.by ? input.by.id : input.by.key)
  }
  if (found.grant.method === 'MULTIPART' && !(await headOrNull(deps.stores.of(found.file), found.grant.target))) {
    throw new StorageError('UploadIncomplete', {
      message: `The parts are not joined yet. POST /files/multipart/${found.file.id}/complete joins and confirms them.`,
    })
  }
  return settleUpload(deps, { file: found.file, grant: found.grant }, claims)
}

/** Errors: InvalidArgument, InvalidDigest. */
export const parseClaims = (input: ConfirmClaims): ConfirmClaims => ({
  ...(input.filename === undefined ? {} : { filename: parseFilename(input.filename) }),
  ...(input.mimeType === undefined ? {} : { mimeType: parseMediaType(input.mimeType) }),
  ...(input.size === undefined ? {} : { size: input.size }),
  ...(input.checksum === undefined ? {} : { checksum: parseChecksum(input.checksum) }),
})
