/** Settings of a bucket that restrict ACLs: `BucketOwnerEnforced` and the public access block. */
import type { Acl, BucketConfiguration, BucketInfo, ObjectOwnership } from '../../drivers/driver.ts'
import { denied } from '../access.ts'
import { S3Error } from '../s3-error.ts'
import { isPublicAcl } from './grants.ts'
import type { RequestedAcl } from './requested-acl.ts'

const ownerships = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const

export const objectOwnership = (text: string): ObjectOwnership | undefined => ownerships.find((name) => name === text)

export const areAclsDisabled = ({ ownership }: BucketConfiguration): boolean => ownership === 'BucketOwnerEnforced'

/**
 * `acl` is what `asked` means. Errors: AccessControlListNotSupported where ACLs are disabled, unless it grants the
 * bucket's owner full control and others nothing; AccessDenied for a public ACL that the public access block refuses.
 */
export function assertAclAllowed(
  asked: RequestedAcl,
  acl: Acl,
  { owner, configuration }: Pick<BucketInfo, 'owner' | 'configuration'>,
): void {
  if (areAclsDisabled(configuration) && !isFullControl(asked, owner)) {
    throw new S3Error('AccessControlListNotSupported', 'The bucket does not allow ACLs')
  }
  if (configuration.publicAccessBlock?.blockPublicAcls === true && isPublicAcl(acl)) throw denied()
}

function isFullControl(asked: RequestedAcl, owner: string): boolean {
  if ('canned' in asked) return asked.canned === 'bucket-owner-full-control'
  const [grant, ...more] = asked.grants
  if (grant === undefined || more.length > 0 || grant.permission !== 'FULL_CONTROL') return false
  return 'owner' in grant.to && grant.to.owner === owner
}

/** An ACL that grants others something does not go together with disabled ACLs. */
export function assertPrivateForOwner(ownership: ObjectOwnership, acl: Acl): void {
  if (ownership !== 'BucketOwnerEnforced' || acl === 'private') return
  throw new S3Error(
    'InvalidBucketAclWithObjectOwnership',
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  )
}
