import { isStorageError } from '../../errors.ts'
import type { AccessControlList, Acl, BucketInfo, Grant, ObjectRef, OfVersion } from '../../drivers/driver.ts'
import { expanded, groupUris, listOf } from '../acl/grants.ts'
import { areAclsDisabled, assertAclAllowed } from '../acl/ownership.ts'
import { readAcl, readAclDocument, resolveAcl } from '../acl/requested-acl.ts'
import { actionOn } from '../actions.ts'
import { answerEmpty, answerXml, type AnswerHeaders } from '../answer.ts'
import { bucketOf, objectOf, versionOf, type Operation, type OperationDeps, type S3Context } from '../context.ts'
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
  const asked = versionOf(ctx)
  await deps.access.allow(ctx, actionOn('s3:GetObjectAcl', asked.versionId), { ...ref, ...asked })
  const { acl = 'private', versionId } = await deps.store.headObject(ref, asked)
  answerAcl(ctx, shown(acl, await deps.store.headBucket(ref.bucket)), { 'x-amz-version-id': versionId })
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
  const asked = versionOf(ctx)
  await deps.access.allow(ctx, actionOn('s3:PutObjectAcl', asked.versionId), { ...ref, ...asked })
  const info = await deps.store.headBucket(ref.bucket)
  const { owner, versionId } = await lookAt(ref, asked, info, deps)
  const acl = await readRequestedAcl(ctx, 'object', owner, info)
  await deps.store.setObjectAcl(ref, acl, versionId === undefined ? asked : { versionId })
  answerEmpty(ctx, 200, { 'x-amz-version-id': versionId })
}

/** If ACLs are disabled, the owner of the bucket has full control of all objects. */
const shown = (acl: Acl, { owner, configuration }: BucketInfo): AccessControlList =>
  areAclsDisabled(configuration) ? listOf('private', owner) : expanded(acl, owner)

/** An ACL does not change the owner. */
async function lookAt(
  ref: ObjectRef,
  asked: OfVersion,
  info: BucketInfo,
  deps: OperationDeps,
): Promise<{ owner: string; versionId?: string }> {
  try {
    const { acl = 'private', versionId } = await deps.store.headObject(ref, asked)
    return { owner: expanded(acl, info.owner).owner, ...(versionId !== undefined && { versionId }) }
  } catch (error) {
    // The store reports this error again when the ACL is set, after the ACL was checked.
    if (isStorageError(error, 'NotFound')) return { owner: info.owner }
    throw error
  }
}

function answerAcl(ctx: S3Context, { owner, grants }: AccessControlList, headers: AnswerHeaders = {}): void {
  const content: XmlElement[] = [
    ['Owner', ownerElement(owner)],
    [
      'AccessControlList',
      grants.map((grant): XmlElement => ['Grant', [granteeOf(grant), ['Permission', grant.permission]]]),
    ],
  ]
  answerXml(ctx, 'AccessControlPolicy', content, headers)
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
