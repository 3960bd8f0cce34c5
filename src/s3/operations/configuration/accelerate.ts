import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { S3Error } from '../../s3-error.ts'
import { elements, malformed, parseXml } from '../../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAccelerateConfiguration.html */
export const getBucketAccelerateConfiguration: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetAccelerateConfiguration', { bucket })
  const { configuration } = await deps.store.headBucket(bucket)
  answerXml(ctx, 'AccelerateConfiguration', elements({ Status: configuration.acceleration }))
}

/** Off is the only state. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAccelerateConfiguration.html */
export const putBucketAccelerateConfiguration: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutAccelerateConfiguration', { bucket })
  const status = parseXml(await readDocument(ctx), 'AccelerateConfiguration')
    .allow({ once: ['Status'] })
    .textOf('Status')
    ?.trim()
  if (status === 'Enabled') throw new S3Error('NotImplemented', 'Transfer acceleration is not implemented.')
  if (status !== 'Suspended') throw malformed()
  await deps.store.configureBucket(bucket, { acceleration: status })
  answerEmpty(ctx, 200)
}
