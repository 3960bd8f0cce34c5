/** The grants of ACLs (https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html). */
import type {
  AccessControlList,
  Acl,
  AclGroup,
  BucketConfiguration,
  CannedAcl,
  Grant,
  Permission,
} from '../../drivers/driver.ts'
import type { Principal } from '../context.ts'

export const groupUris: Record<AclGroup, string> = {
  'all-users': 'http://acs.amazonaws.com/groups/global/AllUsers',
  'authenticated-users': 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
  'log-delivery': 'http://acs.amazonaws.com/groups/s3/LogDelivery',
}

const grantsOfCanned: Record<CannedAcl, readonly Grant[]> = {
  private: [],
  'public-read': [{ to: { group: 'all-users' }, permission: 'READ' }],
  'public-read-write': [
    { to: { group: 'all-users' }, permission: 'READ' },
    { to: { group: 'all-users' }, permission: 'WRITE' },
  ],
  'authenticated-read': [{ to: { group: 'authenticated-users' }, permission: 'READ' }],
}

/** The grants of a canned ACL, with those of the owner. */
export const listOf = (canned: CannedAcl, owner: string): AccessControlList => ({
  owner,
  grants: [...grantsOfCanned[canned], { to: { owner }, permission: 'FULL_CONTROL' }],
})

/** Any ACL as a list; `owner` owns what has a canned one. */
export const expanded = (acl: Acl, owner: string): AccessControlList =>
  typeof acl === 'string' ? listOf(acl, owner) : acl

/** Returns the canned ACL with the same grants, if there is one and the owner of the bucket owns the object. */
export function shortened(list: AccessControlList, bucketOwner: string): Acl {
  if (list.owner !== bucketOwner) return list
  const said = textOf(list.grants)
  const canned = Object.keys(grantsOfCanned) as CannedAcl[]
  return canned.find((name) => textOf(listOf(name, bucketOwner).grants) === said) ?? list
}

const textOf = (grants: readonly Grant[]): string =>
  [...new Set(grants.map(({ to, permission }) => JSON.stringify([to, permission])))].toSorted().join()

export const isPublicAcl = (acl: Acl): boolean =>
  typeof acl === 'string' ? acl !== 'private' : acl.grants.some(({ to }) => isPublicGroup(to))

const isPublicGroup = (to: Grant['to']): boolean => 'group' in to && to.group !== 'log-delivery'

/**
 * Whether an ACL grants the permission in a bucket with this configuration. The owner of the object has every permission.
 */
export function grantsPermission(
  acl: Acl,
  { ownership, publicAccessBlock }: BucketConfiguration,
  asked: { principal: Principal; permission: Permission },
): boolean {
  if (ownership === 'BucketOwnerEnforced') return false
  const { principal, permission } = asked
  const name = principal.kind === 'key' ? principal.owner : null
  if (typeof acl !== 'string' && acl.owner === name) return true
  const list = typeof acl === 'string' ? grantsOfCanned[acl] : acl.grants
  return list.some(
    (grant) =>
      (grant.permission === permission || grant.permission === 'FULL_CONTROL') &&
      includes(grant.to, principal) &&
      !(publicAccessBlock?.ignorePublicAcls === true && isPublicGroup(grant.to)),
  )
}

function includes(to: Grant['to'], principal: Principal): boolean {
  const isKey = principal.kind === 'key' && !principal.gateway
  if ('owner' in to) return isKey && principal.owner === to.owner
  return to.group === 'all-users' || (to.group === 'authenticated-users' && isKey)
}
