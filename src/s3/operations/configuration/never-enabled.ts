/** Settings that a bucket can only have switched off. AWS switches them off by an empty document. */
import type { S3Action } from '../../actions.ts'
import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { S3Error } from '../../s3-error.ts'
import { parseXml } from '../../xml.ts'

const read =
  (action: S3Action, root: string): Operation =>
  async (ctx, deps) => {
    const bucket = bucketOf(ctx)
    await deps.access.allow(ctx, action, { bucket })
    await deps.store.headBucket(bucket)
    answerXml(ctx, root, '')
  }

const acceptEmpty =
  (action: S3Action, root: string, feature: string): Operation =>
  async (ctx, deps) => {
    const bucket = bucketOf(ctx)
    await deps.access.allow(ctx, action, { bucket })
    const document = parseXml(await readDocument(ctx), root)
    if (document.names().length > 0) throw new S3Error('NotImplemented', `${feature} not implemented.`)
    answerEmpty(ctx, 200)
  }

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html */
export const getBucketLogging = read('s3:GetBucketLogging', 'BucketLoggingStatus')
/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html */
export const putBucketLogging = acceptEmpty('s3:PutBucketLogging', 'BucketLoggingStatus', 'Bucket logging is')

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html */
export const getBucketNotificationConfiguration = read('s3:GetBucketNotification', 'NotificationConfiguration')
/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html */
export const putBucketNotificationConfiguration = acceptEmpty(
  's3:PutBucketNotification',
  'NotificationConfiguration',
  'Event notifications are',
)
