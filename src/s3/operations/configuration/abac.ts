import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { S3Error } from '../../s3-error.ts'
import { malformed, parseXml } from '../../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAbac.html */
export const getBucketAbac: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketAbac', { bucket })
  await deps.store.headBucket(bucket)
  answerXml(ctx, 'AbacStatus', [['Status', 'Disabled']])
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAbac.html */
export const putBucketAbac: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketAbac', { bucket })
  const status = parseXml(await readDocument(ctx), 'AbacStatus')
    .allow({ once: ['Status'] })
    .textOf('Status')
    ?.trim()
  if (status === 'Enabled') throw new S3Error('NotImplemented', 'Attribute-based access control is not implemented.')
  if (status !== 'Disabled') throw malformed()
  answerEmpty(ctx, 200)
}
