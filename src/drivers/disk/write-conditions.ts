/** Conditions on writes, with the semantics of S3. */
import { StorageError } from '../../errors.ts'
import { fail, matches } from '../conditions.ts'
import type { WriteConditions } from '../driver.ts'

/** Must be called inside the transaction that writes, so that two concurrent writers cannot both pass. */
export function checkWriteConditions(
  existing: { etag: string; sealed: number } | undefined,
  o: WriteConditions,
  resource: string,
): void {
  if (o.ifNoneMatch !== undefined && existing) fail('PreconditionFailed', 'If-None-Match', resource)
  if (o.ifMatch !== undefined) {
    if (!existing)
      throw new StorageError('NotFound', { message: 'The object that If-Match names does not exist.', resource })
    if (!matches(o.ifMatch, existing.etag, 'strong')) fail('PreconditionFailed', 'If-Match', resource)
  }
  if (existing?.sealed)
    throw new StorageError('AccessDenied', { message: 'The object is final and cannot be replaced.', resource })
}
