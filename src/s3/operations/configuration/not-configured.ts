/**
 * Settings that this endpoint does not execute, so that no bucket has them. Reading one says so, as AWS does of a bucket
 * without it, and removing it succeeds. Nothing sets one: the router answers NotImplemented.
 */
import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { S3Error, type S3ErrorCode } from '../../s3-error.ts'

const absent =
  (code: S3ErrorCode, message: string): Operation =>
  async (ctx, deps) => {
    const bucket = bucketOf(ctx)
    await deps.access.allow(ctx.principal, 'inspect', { bucket })
    await deps.store.headBucket(bucket)
    throw new S3Error(code, message, { BucketName: bucket })
  }

const emptyList =
  (root: string): Operation =>
  async (ctx, deps) => {
    const bucket = bucketOf(ctx)
    await deps.access.allow(ctx.principal, 'inspect', { bucket })
    await deps.store.headBucket(bucket)
    answerXml(ctx, root, [['IsTruncated', false]])
  }

const removed: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx.principal, 'configure', { bucket })
  await deps.store.headBucket(bucket)
  answerEmpty(ctx, 204)
}

const noSuchConfiguration = (): Operation =>
  absent('NoSuchConfiguration', 'The specified configuration does not exist.')

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html */
export const getBucketEncryption: Operation = absent(
  'ServerSideEncryptionConfigurationNotFoundError',
  'The server side encryption configuration was not found',
)
export const deleteBucketEncryption: Operation = removed

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html */
export const getBucketLifecycleConfiguration: Operation = absent(
  'NoSuchLifecycleConfiguration',
  'The lifecycle configuration does not exist',
)
export const deleteBucketLifecycle: Operation = removed

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html */
export const getBucketPolicy: Operation = absent('NoSuchBucketPolicy', 'The bucket policy does not exist')
export const getBucketPolicyStatus: Operation = getBucketPolicy
export const deleteBucketPolicy: Operation = removed

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html */
export const getBucketReplication: Operation = absent(
  'ReplicationConfigurationNotFoundError',
  'The replication configuration was not found',
)
export const deleteBucketReplication: Operation = removed

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketWebsite.html */
export const getBucketWebsite: Operation = absent(
  'NoSuchWebsiteConfiguration',
  'The specified bucket does not have a website configuration',
)
export const deleteBucketWebsite: Operation = removed

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html */
export const getObjectLockConfiguration: Operation = absent(
  'ObjectLockConfigurationNotFoundError',
  'Object Lock configuration does not exist for this bucket',
)

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketAnalyticsConfigurations.html */
export const listBucketAnalyticsConfigurations: Operation = emptyList('ListBucketAnalyticsConfigurationResult')
export const getBucketAnalyticsConfiguration: Operation = noSuchConfiguration()

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketIntelligentTieringConfigurations.html */
export const listBucketIntelligentTieringConfigurations: Operation = emptyList(
  'ListBucketIntelligentTieringConfigurationsOutput',
)
export const getBucketIntelligentTieringConfiguration: Operation = noSuchConfiguration()

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketInventoryConfigurations.html */
export const listBucketInventoryConfigurations: Operation = emptyList('ListInventoryConfigurationsResult')
export const getBucketInventoryConfiguration: Operation = noSuchConfiguration()

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketMetricsConfigurations.html */
export const listBucketMetricsConfigurations: Operation = emptyList('ListMetricsConfigurationsResult')
export const getBucketMetricsConfiguration: Operation = noSuchConfiguration()
