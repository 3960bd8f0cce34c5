import { answerEmpty } from '../answer.ts'
import { arnOf, bucketOf, type Operation } from '../context.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
export const headBucket: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:ListBucket', { bucket })
  await deps.store.headBucket(bucket)
  answerEmpty(ctx, 200, {
    'content-type': 'application/xml',
    'x-amz-bucket-region': deps.region,
    'x-amz-bucket-arn': arnOf(bucket),
  })
}
