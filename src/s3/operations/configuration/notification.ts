import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { S3Error } from '../../s3-error.ts'
import { parseXml } from '../../xml.ts'

/** Always empty. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html */
export const getBucketNotificationConfiguration: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketNotification', { bucket })
  await deps.store.headBucket(bucket)
  answerXml(ctx, 'NotificationConfiguration', '')
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html */
export const putBucketNotificationConfiguration: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketNotification', { bucket })
  const document = parseXml(await readDocument(ctx), 'NotificationConfiguration')
  if (document.names().length > 0) throw new S3Error('NotImplemented', 'Event notifications are not implemented.')
  answerEmpty(ctx, 200)
}
