/**
 * Settings that Postern does not support. Reading one returns the error that AWS returns for a bucket without it.
 * Deleting one succeeds. The router answers requests that set one with NotImplemented.
 */
import type { S3Action } from '../../actions.ts'
import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { S3Error, type S3ErrorCode } from '../../s3-error.ts'

const absent =
  (action: S3Action, code: S3ErrorCode, message: string): Operation =>
  async (ctx, deps) => {
    const bucket = bucketOf(ctx)
    await deps.access.allow(ctx, action, { bucket })
    await deps.store.headBucket(bucket)
    throw new S3Error(code, message, { BucketName: bucket })
  }

const emptyList =
  (action: S3Action, root: string): Operation =>
  async (ctx, deps) => {
    const bucket = bucketOf(ctx)
    await deps.access.allow(ctx, action, { bucket })
    await deps.store.headBucket(bucket)
    answerXml(ctx, root, [['IsTruncated', false]])
  }

const removed =
  (action: S3Action): Operation =>
  async (ctx, deps) => {
    const bucket = bucketOf(ctx)
    await deps.access.allow(ctx, action, { bucket })
    await deps.store.headBucket(bucket)
    answerEmpty(ctx, 204)
  }

const noSuchConfiguration = (action: S3Action): Operation =>
  absent(action, 'NoSuchConfiguration', 'The specified configuration does not exist.')

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html */
export const getBucketEncryption: Operation = absent(
  's3:GetEncryptionConfiguration',
  'ServerSideEncryptionConfigurationNotFoundError',
  'The server side encryption configuration was not found',
)
export const deleteBucketEncryption: Operation = removed('s3:PutEncryptionConfiguration')

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html */
export const getBucketReplication: Operation = absent(
  's3:GetReplicationConfiguration',
  'ReplicationConfigurationNotFoundError',
  'The replication configuration was not found',
)
export const deleteBucketReplication: Operation = removed('s3:PutReplicationConfiguration')

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketWebsite.html */
export const getBucketWebsite: Operation = absent(
  's3:GetBucketWebsite',
  'NoSuchWebsiteConfiguration',
  'The specified bucket does not have a website configuration',
)
export const deleteBucketWebsite: Operation = removed('s3:DeleteBucketWebsite')

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketAnalyticsConfigurations.html */
export const listBucketAnalyticsConfigurations: Operation = emptyList(
  's3:GetAnalyticsConfiguration',
  'ListBucketAnalyticsConfigurationResult',
)
export const getBucketAnalyticsConfiguration: Operation = noSuchConfiguration('s3:GetAnalyticsConfiguration')

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketIntelligentTieringConfigurations.html */
export const listBucketIntelligentTieringConfigurations: Operation = emptyList(
  's3:GetIntelligentTieringConfiguration',
  'ListBucketIntelligentTieringConfigurationsOutput',
)
export const getBucketIntelligentTieringConfiguration: Operation = noSuchConfiguration(
  's3:GetIntelligentTieringConfiguration',
)

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketInventoryConfigurations.html */
export const listBucketInventoryConfigurations: Operation = emptyList(
  's3:GetInventoryConfiguration',
  'ListInventoryConfigurationsResult',
)
export const getBucketInventoryConfiguration: Operation = noSuchConfiguration('s3:GetInventoryConfiguration')

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketMetricsConfigurations.html */
export const listBucketMetricsConfigurations: Operation = emptyList(
  's3:GetMetricsConfiguration',
  'ListMetricsConfigurationsResult',
)
export const getBucketMetricsConfiguration: Operation = noSuchConfiguration('s3:GetMetricsConfiguration')
