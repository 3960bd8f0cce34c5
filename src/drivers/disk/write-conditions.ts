/** Conditions on writes, as S3 has them. */
import { StorageError } from '../../errors.ts'
import { fail, matches } from '../conditions.ts'
import type { WriteConditions } from '../driver.ts'

/** To be asked inside the transaction that writes: two writers at once cannot both pass. */
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
