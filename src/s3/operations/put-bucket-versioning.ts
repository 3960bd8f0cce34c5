import { answerEmpty } from '../answer.ts'
import { bucketOf, type Operation } from '../context.ts'
import { readDocument } from '../document.ts'
import { S3Error } from '../s3-error.ts'
import { malformed, parseXml } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html */
export const putBucketVersioning: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketVersioning', { bucket })
  const document = parseXml(await readDocument(ctx), 'VersioningConfiguration').allow({
    once: ['Status', 'MfaDelete'],
  })
  const status = document.textOf('Status')?.trim()
  if (status === undefined) {
    throw new S3Error('IllegalVersioningConfigurationException', 'The Versioning element must be specified')
  }
  if (status !== 'Enabled' && status !== 'Suspended') throw malformed()
  if (document.textOf('MfaDelete')?.trim() === 'Enabled')
    throw new S3Error('NotImplemented', 'MFA delete is not implemented.')
  await deps.store.configureBucket(bucket, { versioning: status })
  answerEmpty(ctx, 200)
}
