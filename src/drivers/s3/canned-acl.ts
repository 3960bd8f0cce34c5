import { StorageError } from '../../errors.ts'
import type { Acl, CannedAcl } from '../driver.ts'

/** Rejects ACLs that are lists, because owners of access keys are not accounts of the store. Errors: NotSupported. */
export function cannedAcl<A extends Acl | undefined>(acl: A): CannedAcl | Extract<A, undefined> {
  if (typeof acl === 'object')
    throw new StorageError('NotSupported', { message: 'The s3 driver supports only canned ACLs.' })
  return acl as CannedAcl | Extract<A, undefined>
}
