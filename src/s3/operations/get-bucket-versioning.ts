import { answerXml } from '../answer.ts'
import { bucketOf, type Operation } from '../context.ts'
import { elements } from '../xml.ts'

/** Empty for a bucket that never had versioning. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html */
export const getBucketVersioning: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketVersioning', { bucket })
  const { configuration } = await deps.store.headBucket(bucket)
  answerXml(ctx, 'VersioningConfiguration', elements({ Status: configuration.versioning }))
}
