import type { ObjectOwnership } from '../../../drivers/driver.ts'
import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { assertPrivateForOwner, objectOwnership } from '../../acl/ownership.ts'
import { S3Error } from '../../s3-error.ts'
import { malformed, parseXml } from '../../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketOwnershipControls.html */
export const getBucketOwnershipControls: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketOwnershipControls', { bucket })
  const { ownership } = (await deps.store.headBucket(bucket)).configuration
  if (ownership === undefined) {
    throw new S3Error('OwnershipControlsNotFoundError', 'The bucket ownership controls were not found', {
      BucketName: bucket,
    })
  }
  answerXml(ctx, 'OwnershipControls', [['Rule', [['ObjectOwnership', ownership]]]])
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketOwnershipControls.html */
export const putBucketOwnershipControls: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketOwnershipControls', { bucket })
  const ownership = readRule(await readDocument(ctx))
  const { acl } = await deps.store.headBucket(bucket)
  assertPrivateForOwner(ownership, acl)
  await deps.store.configureBucket(bucket, { ownership })
  answerEmpty(ctx, 200)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketOwnershipControls.html */
export const deleteBucketOwnershipControls: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketOwnershipControls', { bucket })
  await deps.store.configureBucket(bucket, { ownership: null })
  answerEmpty(ctx, 204)
}

/** Exactly one rule, with one setting. */
function readRule(body: Buffer): ObjectOwnership {
  const rule = parseXml(body, 'OwnershipControls')
    .allow({ once: ['Rule'] })
    .child('Rule')
  const setting = rule?.allow({ once: ['ObjectOwnership'] }).textOf('ObjectOwnership')
  const ownership = setting === undefined ? undefined : objectOwnership(setting.trim())
  if (ownership === undefined) throw malformed()
  return ownership
}
