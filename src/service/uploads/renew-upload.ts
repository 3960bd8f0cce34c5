import type { FileRecord } from '../../catalog/catalog.ts'
import { noPendingUpload } from './verify-upload.ts'
import { StorageError } from '../../errors.ts'
import type { IssuedUpload } from './begin-upload.ts'
import type { ServiceDeps } from '../deps.ts'
import { confirmBy } from './grant-upload.ts'
import { presignGrant, uploadLifetime } from './presign-grant.ts'
import { publicUrl } from '../downloads/public-download.ts'

/**
 * Issues a new URL for a pending upload, with the same binding as the first one. Earlier URLs stay valid until they
 * expire. Errors: NotFound, ConditionalConflict if it is already confirmed, InvalidArgument.
 */
export async function renewUpload(
  deps: ServiceDeps,
  owner: string,
  input: { id: string; expiresIn?: number },
): Promise<IssuedUpload> {
  const found = await deps.catalog.findUpload(owner, { id: input.id })
  if (found?.file.status === 'confirmed') throw alreadyConfirmed(input.id)
  if (found?.file.status !== 'pending' || !found.grant) throw noPendingUpload(input.id)
  const { file, grant } = found
  if (grant.method === 'MULTIPART') {
    throw new StorageError('InvalidRequest', {
      message: 'This is a multipart upload. Request URLs of its parts instead.',
    })
  }
  const signed = await presignGrant(deps, deps.stores.of(file), {
    method: grant.method,
    target: grant.target,
    mimeType: file.mimeType,
    declared: true,
    size: grant.declaredSize,
    checksum: grant.declaredChecksum,
    writeOnce: grant.writeOnce,
    expiresIn: renewedLifetime(deps, file, input.expiresIn),
  })
  const renewed = await deps.catalog.renewUpload(input.id, {
    urlExpiresAt: signed.expiresAt,
    confirmBy: confirmBy(deps, signed.expiresAt),
    writeOnce: signed.writeOnce,
  })
  if (!renewed) throw noPendingUpload(input.id)
  return { ...signed, file: renewed.file, publicUrl: publicUrl(deps, renewed.file) }
}

/**
 * Lifetime in seconds. All URLs of one upload expire within `uploads.maxExpiresIn` after the grant, so that no upload
 * stays unconfirmed forever. Errors: NotFound after that time, as for an expired upload. The client starts a new one.
 */
function renewedLifetime(deps: ServiceDeps, file: FileRecord, given: number | undefined): number {
  const { id, createdAt } = file
  const { maxExpiresIn } = deps.config.uploads
  const wanted = uploadLifetime(deps, deps.stores.of(file), given)
  const left = Math.floor((createdAt.getTime() - deps.now().getTime()) / 1000 + maxExpiresIn)
  if (left >= 1) return Math.min(wanted, left)
  throw new StorageError('NotFound', {
    resource: `/files/${id}`,
    message: `This upload was granted at ${createdAt.toISOString()}, and its URLs can be renewed for ${maxExpiresIn} seconds (uploads.maxExpiresIn). Start a new upload.`,
  })
}

const alreadyConfirmed = (id: string) =>
  new StorageError('ConditionalConflict', {
    resource: `/files/${id}`,
    message: 'This upload is confirmed, and its bytes cannot change. Start a new upload to send other bytes.',
  })
