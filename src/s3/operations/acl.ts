import { isStorageError } from '../../errors.ts'
import type { AccessControlList, Acl, BucketInfo, Grant, ObjectRef } from '../../drivers/driver.ts'
import { expanded, groupUris, listOf } from '../acl/grants.ts'
import { areAclsDisabled, assertAclAllowed } from '../acl/ownership.ts'
import { readAcl, readAclDocument, resolveAcl } from '../acl/requested-acl.ts'
import { answerEmpty, answerXml } from '../answer.ts'
import { bucketOf, objectOf, refuseVersion, type Operation, type OperationDeps, type S3Context } from '../context.ts'
import { readDocument } from '../document.ts'
import { ownerElement } from '../listing.ts'
import type { XmlElement } from '../xml.ts'

const grantee = 'Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type='

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html */
export const getBucketAcl: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketAcl', { bucket })
  const info = await deps.store.headBucket(bucket)
  answerAcl(ctx, shown(info.acl, info))
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAcl.html */
export const getObjectAcl: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  refuseVersion(ctx)
  await deps.access.allow(ctx, 's3:GetObjectAcl', ref)
  const { acl = 'private' } = await deps.store.headObject(ref)
  answerAcl(ctx, shown(acl, await deps.store.headBucket(ref.bucket)))
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html */
export const putBucketAcl: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketAcl', { bucket })
  const info = await deps.store.headBucket(bucket)
  await deps.store.setBucketAcl(bucket, await readRequestedAcl(ctx, 'bucket', info.owner, info))
  answerEmpty(ctx, 200)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html */
export const putObjectAcl: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  refuseVersion(ctx)
  await deps.access.allow(ctx, 's3:PutObjectAcl', ref)
  const info = await deps.store.headBucket(ref.bucket)
  const owner = await ownerOfObject(ref, info, deps)
  await deps.store.setObjectAcl(ref, await readRequestedAcl(ctx, 'object', owner, info))
  answerEmpty(ctx, 200)
}

/** Where ACLs are disabled, the owner of the bucket has full control of everything in it. */
const shown = (acl: Acl, { owner, configuration }: BucketInfo): AccessControlList =>
  areAclsDisabled(configuration) ? listOf('private', owner) : expanded(acl, owner)

/** An ACL does not change the owner. */
async function ownerOfObject(ref: ObjectRef, info: BucketInfo, deps: OperationDeps): Promise<string> {
  try {
    const { acl = 'private' } = await deps.store.headObject(ref)
    return expanded(acl, info.owner).owner
  } catch (error) {
    // Said by the store once more, after the ACL was looked at.
    if (isStorageError(error, 'NotFound')) return info.owner
    throw error
  }
}

function answerAcl(ctx: S3Context, { owner, grants }: AccessControlList): void {
  answerXml(ctx, 'AccessControlPolicy', [
    ['Owner', ownerElement(owner)],
    [
      'AccessControlList',
      grants.map((grant): XmlElement => ['Grant', [granteeOf(grant), ['Permission', grant.permission]]]),
    ],
  ])
}

const granteeOf = ({ to }: Grant): XmlElement =>
  'owner' in to
    ? [`${grantee}"CanonicalUser"`, ownerElement(to.owner)]
    : [`${grantee}"Group"`, [['URI', groupUris[to.group]]]]

/** From the headers, or from an XML body. */
async function readRequestedAcl(
  ctx: S3Context,
  of: 'bucket' | 'object',
  owner: string,
  info: BucketInfo,
): Promise<Acl> {
  const inHeaders = readAcl(ctx.headers)
  const body = await readDocument(ctx)
  const asked = inHeaders ?? readAclDocument(body)
  const acl = resolveAcl(asked, { of, owner, bucketOwner: info.owner })
  assertAclAllowed(asked, acl, info)
  return acl
}
