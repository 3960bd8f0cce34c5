import type { PublicAccessBlock } from '../../../drivers/driver.ts'
import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { S3Error } from '../../s3-error.ts'
import { malformed, parseXml } from '../../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetPublicAccessBlock.html */
export const getPublicAccessBlock: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketPublicAccessBlock', { bucket })
  const { publicAccessBlock: block } = (await deps.store.headBucket(bucket)).configuration
  if (block === undefined) {
    throw new S3Error('NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found', {
      BucketName: bucket,
    })
  }
  answerXml(ctx, 'PublicAccessBlockConfiguration', [
    ['BlockPublicAcls', block.blockPublicAcls],
    ['IgnorePublicAcls', block.ignorePublicAcls],
    ['BlockPublicPolicy', block.blockPublicPolicy],
    ['RestrictPublicBuckets', block.restrictPublicBuckets],
  ])
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html */
export const putPublicAccessBlock: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketPublicAccessBlock', { bucket })
  const publicAccessBlock = readBlock(await readDocument(ctx))
  await deps.store.configureBucket(bucket, { publicAccessBlock })
  answerEmpty(ctx, 200)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeletePublicAccessBlock.html */
export const deletePublicAccessBlock: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketPublicAccessBlock', { bucket })
  await deps.store.configureBucket(bucket, { publicAccessBlock: null })
  answerEmpty(ctx, 204)
}

/** A setting that is left out is off. */
function readBlock(body: Buffer): PublicAccessBlock {
  const document = parseXml(body, 'PublicAccessBlockConfiguration').allow({
    once: ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'],
  })
  const isOn = (name: string): boolean => {
    const text = document.textOf(name)?.trim().toLowerCase() ?? 'false'
    if (text !== 'true' && text !== 'false') throw malformed()
    return text === 'true'
  }
  return {
    blockPublicAcls: isOn('BlockPublicAcls'),
    ignorePublicAcls: isOn('IgnorePublicAcls'),
    blockPublicPolicy: isOn('BlockPublicPolicy'),
    restrictPublicBuckets: isOn('RestrictPublicBuckets'),
  }
}
