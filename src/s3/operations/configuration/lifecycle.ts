import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { readLifecycle, ruleElement } from '../../lifecycle/lifecycle-document.ts'
import { S3Error } from '../../s3-error.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html */
export const getBucketLifecycleConfiguration: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetLifecycleConfiguration', { bucket })
  const { lifecycle } = (await deps.store.headBucket(bucket)).configuration
  if (lifecycle === undefined) {
    throw new S3Error('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist', {
      BucketName: bucket,
    })
  }
  answerXml(ctx, 'LifecycleConfiguration', lifecycle.map(ruleElement))
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html */
export const putBucketLifecycleConfiguration: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutLifecycleConfiguration', { bucket })
  const lifecycle = readLifecycle(await readDocument(ctx, { digestRequired: true }))
  await deps.store.configureBucket(bucket, { lifecycle })
  answerEmpty(ctx, 200)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketLifecycle.html */
export const deleteBucketLifecycle: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutLifecycleConfiguration', { bucket })
  await deps.store.configureBucket(bucket, { lifecycle: null })
  answerEmpty(ctx, 204)
}
