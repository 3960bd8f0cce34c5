import type { SignedRequest } from '../../drivers/driver.ts'
import type { ServiceDeps } from '../deps.ts'
import { confirmBy } from '../uploads/grant-upload.ts'
import { openMultipart } from './find-multipart.ts'
import { uploadLifetime } from '../uploads/presign-grant.ts'
import { noPendingUpload } from '../uploads/verify-upload.ts'

export type IssuedPart = Omit<SignedRequest, 'method'> & { partNumber: number }

/**
 * Issues one URL per part number. Parts may differ in size, so the URLs bind no length. The upload stays pending until
 * the URLs expire, plus `confirmWithin`. Errors: NotFound, InvalidRequest, ConditionalConflict once it is complete,
 * InvalidArgument.
 */
export async function issueParts(
  deps: ServiceDeps,
  owner: string,
  input: { id: string; partNumbers: readonly number[]; expiresIn?: number },
): Promise<IssuedPart[]> {
  const { file, grant, multipart } = await openMultipart(deps, owner, input.id)
  const { uploadId } = multipart
  const store = deps.stores.of(file)
  const expiresIn = uploadLifetime(deps, store, input.expiresIn)
  const parts = await Promise.all(
    [...new Set(input.partNumbers)].map(async (partNumber) => {
      const { method: _, ...signed } = await store.presignUploadPart(grant.target, {
        uploadId,
        partNumber,
        expiresIn,
      })
      return { partNumber, ...signed }
    }),
  )
  const urlExpiresAt = new Date(Math.max(...parts.map(({ expiresAt }) => expiresAt.getTime())))
  const { writeOnce } = grant
  const renewed = await deps.catalog.renewUpload(input.id, {
    urlExpiresAt,
    confirmBy: confirmBy(deps, urlExpiresAt),
    writeOnce,
  })
  if (!renewed) throw noPendingUpload(input.id)
  return parts
}
