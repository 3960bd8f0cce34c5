import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { S3Error } from '../../s3-error.ts'
import { malformed, parseXml } from '../../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html */
export const getBucketRequestPayment: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketRequestPayment', { bucket })
  await deps.store.headBucket(bucket)
  answerXml(ctx, 'RequestPaymentConfiguration', [['Payer', 'BucketOwner']])
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketRequestPayment.html */
export const putBucketRequestPayment: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketRequestPayment', { bucket })
  const payer = parseXml(await readDocument(ctx), 'RequestPaymentConfiguration')
    .allow({ once: ['Payer'] })
    .textOf('Payer')
    ?.trim()
  if (payer === 'Requester') throw new S3Error('NotImplemented', 'Requester pays is not implemented.')
  if (payer !== 'BucketOwner') throw malformed()
  answerEmpty(ctx, 200)
}
