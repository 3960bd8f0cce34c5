import { denied } from '../../access.ts'
import { answerEmpty, answerText, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { isPublicPolicy } from '../../policy/evaluate.ts'
import { parsePolicy } from '../../policy/parse-policy.ts'
import { S3Error } from '../../s3-error.ts'

const absent = (bucket: string): S3Error =>
  new S3Error('NoSuchBucketPolicy', 'The bucket policy does not exist', { BucketName: bucket })

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html */
export const getBucketPolicy: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketPolicy', { bucket })
  const { policy } = (await deps.store.headBucket(bucket)).configuration
  if (policy === undefined) throw absent(bucket)
  answerText(ctx, 200, 'application/json', policy)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html */
export const getBucketPolicyStatus: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketPolicyStatus', { bucket })
  const isPublic = deps.access.hasPublicPolicy(await deps.store.headBucket(bucket))
  if (isPublic === null) throw absent(bucket)
  answerXml(ctx, 'PolicyStatus', [['IsPublic', isPublic]])
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html */
export const putBucketPolicy: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketPolicy', { bucket })
  const text = (await readDocument(ctx)).toString('utf8')
  const policy = parsePolicy(text, bucket, { isNew: true })
  const { publicAccessBlock } = (await deps.store.headBucket(bucket)).configuration
  if (publicAccessBlock?.blockPublicPolicy === true && isPublicPolicy(policy)) throw denied()
  await deps.store.configureBucket(bucket, { policy: text })
  answerEmpty(ctx, 204)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html */
export const deleteBucketPolicy: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:DeleteBucketPolicy', { bucket })
  await deps.store.configureBucket(bucket, { policy: null })
  answerEmpty(ctx, 204)
}
