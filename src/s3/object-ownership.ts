/** What the owner of a bucket allows of ACLs: `BucketOwnerEnforced` and the public access block. */
import type { BucketConfiguration, BucketInfo, CannedAcl, ObjectOwnership } from '../drivers/driver.ts'
import { denied } from './access.ts'
import type { OperationDeps } from './context.ts'
import { cannedAcl } from './object-headers.ts'
import { S3Error } from './s3-error.ts'

/** The canned ACL that disabled ACLs allow. */
export const fullControl = 'bucket-owner-full-control'

const ownerships = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const

export const objectOwnership = (text: string): ObjectOwnership | undefined => ownerships.find((name) => name === text)

export const areAclsDisabled = ({ ownership }: BucketConfiguration): boolean => ownership === 'BucketOwnerEnforced'

export const isPublicAcl = (acl: CannedAcl): boolean => acl !== 'private'

/** An ACL as a request asks for it. `isFullControl`: it grants the bucket's owner everything, and nothing to others. */
export type RequestedAcl = { acl: CannedAcl; isFullControl: boolean }

/**
 * Errors: AccessControlListNotSupported where ACLs are disabled, unless the bucket's owner gets full control; AccessDenied
 * for a public ACL that the public access block refuses.
 */
export function assertAclAllowed(configuration: BucketConfiguration, asked: RequestedAcl): void {
  if (areAclsDisabled(configuration) && !asked.isFullControl) {
    throw new S3Error('AccessControlListNotSupported', 'The bucket does not allow ACLs')
  }
  if (configuration.publicAccessBlock?.blockPublicAcls === true && isPublicAcl(asked.acl)) throw denied()
}

/** The same for the ACL that a write asks for in its head. */
export async function checkAclOfWrite(
  headers: ReadonlyMap<string, string>,
  bucket: string,
  deps: OperationDeps,
): Promise<void> {
  const text = headers.get('x-amz-acl')
  if (text === undefined || bucket === deps.gatewayBucket) return
  const { configuration } = await deps.store.headBucket(bucket)
  assertAclAllowed(configuration, { acl: cannedAcl(text), isFullControl: text === fullControl })
}

/** An ACL that grants others something does not go together with disabled ACLs. */
export function assertPrivateForOwner(ownership: ObjectOwnership, acl: CannedAcl): void {
  if (ownership !== 'BucketOwnerEnforced' || acl === 'private') return
  throw new S3Error(
    'InvalidBucketAclWithObjectOwnership',
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  )
}

/** What the ACL of a bucket, or of an object in it, still grants. */
export function effectiveAcl({ configuration }: Pick<BucketInfo, 'configuration'>, acl: CannedAcl): CannedAcl {
  const isIgnored = areAclsDisabled(configuration) || configuration.publicAccessBlock?.ignorePublicAcls === true
  return isIgnored ? 'private' : acl
}
