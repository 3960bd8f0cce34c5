import { StorageError } from '../../errors.ts'
import type { Acl, CannedAcl } from '../driver.ts'

/** Owners of access keys are not accounts of the store: a list that names them cannot be passed on. Errors: NotSupported. */
export function cannedAcl<A extends Acl | undefined>(acl: A): CannedAcl | Extract<A, undefined> {
  if (typeof acl === 'object')
    throw new StorageError('NotSupported', { message: 'With the s3 driver an ACL is one of the canned ones' })
  return acl as CannedAcl | Extract<A, undefined>
}
