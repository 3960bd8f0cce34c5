import { answerXml } from '../answer.ts'
import { bucketOf, type Operation } from '../context.ts'

/** us-east-1 is reported as empty. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html */
export const getBucketLocation: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketLocation', { bucket })
  await deps.store.headBucket(bucket)
  answerXml(ctx, 'LocationConstraint', deps.region === 'us-east-1' ? '' : deps.region)
}
