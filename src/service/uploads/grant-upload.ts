import { randomUUID } from 'node:crypto'
import type { UploadGrant } from '../../catalog/catalog.ts'
import type { ServiceDeps } from '../deps.ts'
import type { UploadRequest } from './upload-request.ts'
import type { PendingUpload } from './verify-upload.ts'

/** The deadline for confirmation. It is later than the expiry of every URL of the upload. */
export const confirmBy = (deps: ServiceDeps, urlExpiresAt: Date): Date =>
  new Date(urlExpiresAt.getTime() + Math.max(1, deps.config.uploads.confirmWithin) * 1000)

/**
 * Records the pending file and reserves quota: the declared size, or without one as much of `maxSize` as is left.
 * Errors: QuotaExceeded, TooManyRequests.
 */
export async function grantUpload(
  deps: ServiceDeps,
  owner: string,
  { filename, mimeType, size, checksum, visibility, metadata, autoConfirm, maxSize }: UploadRequest,
  {
    expiresWithUrl = false,
    ...issued
  }: Pick<UploadGrant, 'method' | 'target' | 'writeOnce' | 'urlExpiresAt'> & { expiresWithUrl?: boolean },
): Promise<PendingUpload> {
  const { quotas, limits } = deps.config
  const { key } = issued.target
  const { file, grant } = await deps.catalog.createUpload({
    file: { id: randomUUID(), owner, store: deps.stores.current.name, key, filename, mimeType, visibility, metadata },
    grant: {
      ...issued,
      declaredSize: size,
      declaredChecksum: checksum,
      autoConfirm,
      confirmBy: expiresWithUrl ? new Date(issued.urlExpiresAt.getTime() + 1000) : confirmBy(deps, issued.urlExpiresAt),
      multipart: null,
    },
    reserve: size === null ? { bytes: maxSize, exact: false } : { bytes: size, exact: true },
    quota: quotas,
    maxPending: limits.pendingUploads,
    now: deps.now(),
  })
  return { file, grant: grant! }
}
