import { findMultipart, alreadyComplete, openMultipart } from './find-multipart.ts'
import { noPendingUpload } from '../uploads/verify-upload.ts'
import { removeParts } from './remove-parts.ts'
import { removeUnneeded } from '../uploads/settle-upload.ts'
import { endWrites } from '../uploads/granted-write.ts'
import type { ServiceDeps } from '../deps.ts'

/**
 * Aborts a pending upload: releases its quota, then deletes its parts. The collector retries what the store does not
 * delete now. Errors: NotFound (also on a second call), InvalidRequest, ConditionalConflict if the upload is complete.
 */
export async function abortMultipart(deps: ServiceDeps, owner: string, id: string): Promise<void> {
  const { file, grant, multipart } = await openMultipart(deps, owner, id)
  if (!(await deps.catalog.expireUpload(id, deps.now()))) {
    throw 'confirmed' in (await findMultipart(deps, owner, id)) ? alreadyComplete(id) : noPendingUpload(id)
  }
  await endWrites(deps, grant.target, id)
  try {
    await removeParts(deps, file, grant.target, multipart)
  } catch (err) {
    deps.log.warn({ err, file: id }, 'could not delete the parts of an aborted upload; the collector retries')
  }
  // Another request may have joined the parts and then found the upload aborted, or failed before it could confirm.
  await removeUnneeded(deps, file, grant.target)
}
