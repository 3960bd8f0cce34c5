import type { BucketInfo, CannedAcl } from '../../drivers/driver.ts'
import { answerEmpty, answerXml } from '../answer.ts'
import { bucketOf, objectOf, refuseVersion, type Operation, type S3Context } from '../context.ts'
import { readDocument } from '../document.ts'
import { ownerElement } from '../listing.ts'
import { readAcl } from '../object-headers.ts'
import { areAclsDisabled, assertAclAllowed, fullControl } from '../object-ownership.ts'
import { S3Error } from '../s3-error.ts'
import { malformed, parseXml, type XmlElement, type XmlNode } from '../xml.ts'

const allUsers = 'http://acs.amazonaws.com/groups/global/AllUsers'
const grantee = 'Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type='

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html */
export const getBucketAcl: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx.principal, 'inspect', { bucket })
  const { acl, owner, configuration } = await deps.store.headBucket(bucket)
  answerAcl(ctx, owner, areAclsDisabled(configuration) ? 'private' : acl)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAcl.html */
export const getObjectAcl: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  refuseVersion(ctx)
  await deps.access.allow(ctx.principal, 'inspect', ref)
  const { acl = 'private' } = await deps.store.headObject(ref)
  const { owner, configuration } = await deps.store.headBucket(ref.bucket)
  answerAcl(ctx, owner, areAclsDisabled(configuration) ? 'private' : acl)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html */
export const putBucketAcl: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx.principal, 'configure', { bucket })
  await deps.store.setBucketAcl(bucket, await readRequestedAcl(ctx, await deps.store.headBucket(bucket)))
  answerEmpty(ctx, 200)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html */
export const putObjectAcl: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  refuseVersion(ctx)
  await deps.access.allow(ctx.principal, 'configure', ref)
  await deps.store.setObjectAcl(ref, await readRequestedAcl(ctx, await deps.store.headBucket(ref.bucket)))
  answerEmpty(ctx, 200)
}

function answerAcl(ctx: S3Context, owner: string, acl: CannedAcl): void {
  const grants: XmlElement[] = [
    [
      'Grant',
      [
        [`${grantee}"CanonicalUser"`, ownerElement(owner)],
        ['Permission', 'FULL_CONTROL'],
      ],
    ],
  ]
  if (acl === 'public-read') {
    grants.unshift([
      'Grant',
      [
        [`${grantee}"Group"`, [['URI', allUsers]]],
        ['Permission', 'READ'],
      ],
    ])
  }
  answerXml(ctx, 'AccessControlPolicy', [
    ['Owner', ownerElement(owner)],
    ['AccessControlList', grants],
  ])
}

/** By `x-amz-acl`, or by a document that says what one of the canned ACLs says. */
async function readRequestedAcl(ctx: S3Context, { owner, configuration }: BucketInfo): Promise<CannedAcl> {
  const { acl } = readAcl(ctx.headers)
  const body = await readDocument(ctx)
  const isFullControl = ctx.headers.get('x-amz-acl') === fullControl
  const asked = acl === undefined ? { acl: readPolicy(body, owner), isFullControl: true } : { acl, isFullControl }
  assertAclAllowed(configuration, { ...asked, isFullControl: asked.isFullControl && asked.acl === 'private' })
  return asked.acl
}

function readPolicy(body: Buffer, owner: string): CannedAcl {
  const list = parseXml(body, 'AccessControlPolicy').child('AccessControlList')
  if (list === undefined) throw malformed()
  const grants = list.children('Grant').map(describeGrant)
  const full = `FULL_CONTROL ${owner}`
  const read = `READ ${allUsers}`
  if (!grants.includes(full) || grants.some((grant) => grant !== full && grant !== read)) {
    throw new S3Error('NotImplemented', 'ACLs other than private and public-read are not implemented.')
  }
  return grants.includes(read) ? 'public-read' : 'private'
}

function describeGrant(grant: XmlNode): string {
  const to = grant.child('Grantee')
  return `${grant.textOf('Permission') ?? ''} ${to?.textOf('ID') ?? to?.textOf('URI') ?? ''}`
}
