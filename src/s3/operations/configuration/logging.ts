import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { S3Error } from '../../s3-error.ts'
import { parseXml } from '../../xml.ts'

/** Never enabled. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html */
export const getBucketLogging: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketLogging', { bucket })
  await deps.store.headBucket(bucket)
  answerXml(ctx, 'BucketLoggingStatus', '')
}

/** An empty status turns logging off. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html */
export const putBucketLogging: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketLogging', { bucket })
  const document = parseXml(await readDocument(ctx), 'BucketLoggingStatus')
  if (document.names().length > 0) throw new S3Error('NotImplemented', 'Bucket logging is not implemented.')
  answerEmpty(ctx, 200)
}
