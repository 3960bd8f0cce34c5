import { answerEmpty } from '../answer.ts'
import { bucketOf, type Operation } from '../context.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html */
export const deleteBucket: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:DeleteBucket', { bucket })
  await deps.store.deleteBucket(bucket)
  answerEmpty(ctx, 204)
}
