import type { FileRecord } from '../../catalog/catalog.ts'
import { noPendingUpload } from './verify-upload.ts'
import { StorageError } from '../../errors.ts'
import type { IssuedUpload } from './begin-upload.ts'
import type { ServiceDeps } from '../deps.ts'
import { confirmBy } from './grant-upload.ts'
import { presignGrant, uploadLifetime } from './presign-grant.ts'
import { publicUrl } from '../downloads/public-download.ts'

/**
 * A fresh URL for an upload that is still pending, bound as the first one was. URLs issued before stay valid until
 * they expire. Errors: NotFound, ConditionalConflict when it is confirmed already, InvalidArgument.
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
    throw new StorageError('InvalidRequest', { message: 'This is a multipart upload: ask for URLs of its parts.' })
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
 * Seconds. All URLs of one upload end `uploads.maxExpiresIn` after it was granted, so that no upload stays unconfirmed for
 * ever. Errors: NotFound once that time is over, as for an upload that has expired: a client begins a new one.
 */
function renewedLifetime(deps: ServiceDeps, file: FileRecord, given: number | undefined): number {
  const { id, createdAt } = file
  const { maxExpiresIn } = deps.config.uploads
  const wanted = uploadLifetime(deps, deps.stores.of(file), given)
  const left = Math.floor((createdAt.getTime() - deps.now().getTime()) / 1000 + maxExpiresIn)
  if (left >= 1) return Math.min(wanted, left)
  throw new StorageError('NotFound', {
    resource: `/files/${id}`,
    message: `This upload was granted at ${createdAt.toISOString()}, and its URLs are renewed for ${maxExpiresIn} seconds (uploads.maxExpiresIn). Begin a new one.`,
  })
}

const alreadyConfirmed = (id: string) =>
  new StorageError('ConditionalConflict', {
    resource: `/files/${id}`,
    message: 'This upload is confirmed: its bytes cannot change any more. Begin a new upload to send others.',
  })
