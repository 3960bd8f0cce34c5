/** The headers of a stored object. In the gateway's bucket the sender of the bytes does not choose them. */
import { SignatureError } from '../sigv4/types.ts'
import type { Acl, BucketInfo, ObjectHeaders, ObjectLock, ObjectRef } from '../drivers/driver.ts'
import { assertAclAllowed } from './acl/ownership.ts'
import { ownerOfNew, readAcl, resolveAcl, type RequestedAcl } from './acl/requested-acl.ts'
import type { OperationDeps, S3Context, Allowed, Requester } from './context.ts'
import { readObjectHeaders, readTagging } from './object-headers.ts'
import { readLock, refuseLock } from './object-lock.ts'
import { S3Error } from './s3-error.ts'

export type WrittenHeaders = ObjectHeaders & { acl?: Acl; tags?: Record<string, string>; lock?: ObjectLock }
export type Admitted = { headers: WrittenHeaders; maxBytes: number; isGranted: boolean }

/** The headers of the request, with an ACL that is not resolved for the bucket yet. */
export type SaidHeaders = ObjectHeaders & { acl?: RequestedAcl; tags?: Record<string, string> }

/**
 * The writer's headers, ACL and tags. An object of an upload gets those of its record instead, and at most the
 * granted bytes. Errors: AccessDenied for an unsigned content encoding, and for an ACL or tags that the writer may not
 * set.
 */
export async function admitWrite(
  ctx: S3Context,
  ref: ObjectRef,
  deps: OperationDeps,
  allowed: Allowed,
): Promise<Admitted> {
  const { headers } = ctx
  const said = readObjectHeaders(headers)
  if (ref.bucket === deps.gatewayBucket) refuseUnsignedEncoding(ctx, said)
  const acl = readAcl(headers)
  return admit(ctx, ref, { ...said, ...(acl && { acl }), ...readTagging(headers) }, deps, allowed)
}

/** The same for headers that the caller has read from a fully signed request. */
export async function admit(
  who: Requester,
  ref: ObjectRef,
  said: SaidHeaders,
  deps: OperationDeps,
  { bucket }: Allowed,
): Promise<Admitted> {
  if (ref.bucket === deps.gatewayBucket) refuseLock(who.headers)
  const granted = ref.bucket === deps.gatewayBucket ? await deps.grantedWrite?.(ref) : null
  if (granted) return { ...granted, isGranted: true }
  const { acl: asked, ...headers } = said
  const acl = bucket === null ? aclOfGateway(asked) : await aclOfNew(who, ref, asked, bucket, deps)
  const lock = bucket === null ? {} : await readLock(who, ref, deps)
  if (said.tags && bucket !== null) await deps.access.allow(who, 's3:PutObjectTagging', { ...ref, isNew: true })
  return { headers: { ...headers, ...lock, ...(acl !== undefined && { acl }) }, maxBytes: Infinity, isGranted: false }
}

/** The gateway's bucket has no ACLs except for public and private objects, and no other owner. */
function aclOfGateway(asked: RequestedAcl | undefined): Acl | undefined {
  if (asked === undefined) return undefined
  const acl = resolveAcl(asked, { of: 'object', owner: '', bucketOwner: '' })
  if (acl === 'private' || acl === 'public-read') return acl
  throw new S3Error('NotImplemented', 'This ACL is not implemented in the bucket of the gateway.')
}

async function aclOfNew(
  who: Requester,
  ref: ObjectRef,
  asked: RequestedAcl | undefined,
  bucket: BucketInfo,
  deps: OperationDeps,
): Promise<Acl | undefined> {
  const writer = who.principal.kind === 'key' ? who.principal.owner : null
  const owner = ownerOfNew(writer, asked, bucket)
  if (asked === undefined && owner === bucket.owner) return undefined
  const acl = resolveAcl(asked ?? { canned: 'private' }, { of: 'object', owner, bucketOwner: bucket.owner })
  if (asked === undefined) return acl
  assertAclAllowed(asked, acl, bucket)
  await deps.access.allow(who, 's3:PutObjectAcl', { ...ref, isNew: true })
  return acl
}

/**
 * With a content encoding, browsers decode other bytes than those stored. The holder of an upload URL must not add
 * one. Owners of access keys have their own buckets, where it is stored as sent.
 */
function refuseUnsignedEncoding({ verified }: S3Context, { contentEncoding }: ObjectHeaders): void {
  if (contentEncoding === undefined || verified?.signedHeaders.has('content-encoding') === true) return
  throw new SignatureError('AccessDenied', 'There were headers present in the request which were not signed', {
    HeadersNotSigned: 'content-encoding',
  })
}
