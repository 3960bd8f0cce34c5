import { StorageError } from '../../../errors.ts'
import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { readTagSet, tagElements } from '../../tag-set.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html */
export const getBucketTagging: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketTagging', { bucket })
  const { configuration } = await deps.store.headBucket(bucket)
  if (configuration.tags === undefined) {
    throw new StorageError('NoSuchTagSet', { message: 'The TagSet does not exist', details: { BucketName: bucket } })
  }
  answerXml(ctx, 'Tagging', [['TagSet', tagElements(configuration.tags)]])
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html */
export const putBucketTagging: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketTagging', { bucket })
  const tags = readTagSet(await readDocument(ctx, { digestRequired: true }))
  const isEmpty = Object.keys(tags).length === 0
  await deps.store.configureBucket(bucket, { tags: isEmpty ? null : tags })
  answerEmpty(ctx, 204)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketTagging.html */
export const deleteBucketTagging: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketTagging', { bucket })
  await deps.store.configureBucket(bucket, { tags: null })
  answerEmpty(ctx, 204)
}
