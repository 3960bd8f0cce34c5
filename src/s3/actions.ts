/**
 * The actions that policies can allow and deny, with the names of AWS
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html).
 */
import type { Permission } from '../drivers/driver.ts'

/**
 * In the gateway's own bucket its key does everything but `settings`. `acl`: the permission of an ACL that allows it;
 * without one, only the owner and the bucket policy do. `ownerOnly`: a bucket policy cannot allow it.
 */
type Rule = {
  kind: 'content' | 'settings'
  acl?: { of: 'bucket' | 'object'; permission: Permission }
  ownerOnly?: true
}

const inspect: Rule = { kind: 'content' }
const configure: Rule = { kind: 'settings' }
const guard: Rule = { kind: 'settings', ownerOnly: true }
const list: Rule = { kind: 'content', acl: { of: 'bucket', permission: 'READ' } }
const write: Rule = { kind: 'content', acl: { of: 'bucket', permission: 'WRITE' } }

export const actions = {
  's3:CreateBucket': configure,
  's3:DeleteBucket': configure,
  's3:ListBucket': list,
  's3:ListBucketVersions': list,
  's3:ListBucketMultipartUploads': list,

  's3:GetObject': { kind: 'content', acl: { of: 'object', permission: 'READ' } },
  's3:GetObjectAttributes': { kind: 'content', acl: { of: 'object', permission: 'READ' } },
  's3:PutObject': write,
  's3:DeleteObject': write,
  's3:AbortMultipartUpload': inspect,
  's3:ListMultipartUploadParts': inspect,
  's3:GetObjectAcl': { kind: 'content', acl: { of: 'object', permission: 'READ_ACP' } },
  's3:PutObjectAcl': { kind: 'settings', acl: { of: 'object', permission: 'WRITE_ACP' } },
  's3:GetObjectVersion': { kind: 'content', acl: { of: 'object', permission: 'READ' } },
  's3:GetObjectVersionAttributes': { kind: 'content', acl: { of: 'object', permission: 'READ' } },
  's3:DeleteObjectVersion': inspect,
  's3:GetObjectVersionAcl': { kind: 'content', acl: { of: 'object', permission: 'READ_ACP' } },
  's3:PutObjectVersionAcl': { kind: 'settings', acl: { of: 'object', permission: 'WRITE_ACP' } },
  's3:GetObjectVersionTagging': inspect,
  's3:PutObjectVersionTagging': configure,
  's3:DeleteObjectVersionTagging': configure,
  's3:GetObjectRetention': inspect,
  's3:PutObjectRetention': configure,
  's3:GetObjectLegalHold': inspect,
  's3:PutObjectLegalHold': configure,
  's3:BypassGovernanceRetention': configure,
  's3:GetObjectTagging': inspect,
  's3:PutObjectTagging': configure,
  's3:DeleteObjectTagging': configure,

  's3:GetBucketAcl': { kind: 'content', acl: { of: 'bucket', permission: 'READ_ACP' } },
  's3:PutBucketAcl': { kind: 'settings', acl: { of: 'bucket', permission: 'WRITE_ACP' } },
  's3:GetBucketCORS': inspect,
  's3:PutBucketCORS': configure,
  's3:GetBucketLocation': inspect,
  's3:GetBucketVersioning': inspect,
  's3:PutBucketVersioning': configure,
  's3:GetBucketTagging': inspect,
  's3:PutBucketTagging': configure,
  's3:GetBucketOwnershipControls': inspect,
  's3:PutBucketOwnershipControls': guard,
  's3:GetBucketPublicAccessBlock': inspect,
  's3:PutBucketPublicAccessBlock': guard,
  's3:GetBucketPolicy': { kind: 'content', ownerOnly: true },
  's3:GetBucketPolicyStatus': inspect,
  's3:PutBucketPolicy': guard,
  's3:DeleteBucketPolicy': guard,
  's3:GetBucketNotification': inspect,
  's3:PutBucketNotification': configure,
  's3:GetBucketLogging': inspect,
  's3:PutBucketLogging': configure,
  's3:GetBucketRequestPayment': inspect,
  's3:PutBucketRequestPayment': configure,
  's3:GetAccelerateConfiguration': inspect,
  's3:PutAccelerateConfiguration': configure,
  's3:GetBucketAbac': inspect,
  's3:PutBucketAbac': configure,
  's3:GetEncryptionConfiguration': inspect,
  's3:PutEncryptionConfiguration': configure,
  's3:GetLifecycleConfiguration': inspect,
  's3:PutLifecycleConfiguration': configure,
  's3:GetReplicationConfiguration': inspect,
  's3:PutReplicationConfiguration': configure,
  's3:GetBucketWebsite': inspect,
  's3:DeleteBucketWebsite': configure,
  's3:GetBucketObjectLockConfiguration': inspect,
  's3:PutBucketObjectLockConfiguration': configure,
  's3:GetAnalyticsConfiguration': inspect,
  's3:GetIntelligentTieringConfiguration': inspect,
  's3:GetInventoryConfiguration': inspect,
  's3:GetMetricsConfiguration': inspect,
} as const satisfies Record<string, Rule>

export type S3Action = keyof typeof actions

/** The actions for requests with a version id. */
const versionActions = {
  's3:GetObject': 's3:GetObjectVersion',
  's3:GetObjectAttributes': 's3:GetObjectVersionAttributes',
  's3:DeleteObject': 's3:DeleteObjectVersion',
  's3:GetObjectAcl': 's3:GetObjectVersionAcl',
  's3:PutObjectAcl': 's3:PutObjectVersionAcl',
  's3:GetObjectTagging': 's3:GetObjectVersionTagging',
  's3:PutObjectTagging': 's3:PutObjectVersionTagging',
  's3:DeleteObjectTagging': 's3:DeleteObjectVersionTagging',
} as const satisfies Partial<Record<S3Action, S3Action>>

export const actionOn = (action: keyof typeof versionActions, versionId: string | undefined): S3Action =>
  versionId === undefined ? action : versionActions[action]

export const ruleOf = (action: S3Action): Rule => actions[action]

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions. A policy can deny them. */
export const allowedToInitiator: ReadonlySet<S3Action> = new Set<S3Action>([
  's3:ListMultipartUploadParts',
  's3:AbortMultipartUpload',
])

/** Actions that a policy cannot deny to the bucket's owner, so that owners cannot lock themselves out. AWS does the same for the root user. */
export const neverDeniedToOwner: ReadonlySet<S3Action> = new Set<S3Action>([
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
])
