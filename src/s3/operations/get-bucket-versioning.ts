import { answerXml } from '../answer.ts'
import { bucketOf, type Operation } from '../context.ts'

/** Never enabled. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html */
export const getBucketVersioning: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketVersioning', { bucket })
  await deps.store.headBucket(bucket)
  answerXml(ctx, 'VersioningConfiguration', '')
}
