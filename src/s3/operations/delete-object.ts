import { answerEmpty } from '../answer.ts'
import { objectOf, type Operation } from '../context.ts'
import { S3Error } from '../s3-error.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
export const deleteObject: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const versionId = ctx.query.get('versionId')
  await deps.access.allow(ctx, 's3:DeleteObject', ref)
  for (const name of ['x-amz-if-match-last-modified-time', 'x-amz-if-match-size']) {
    if (ctx.headers.has(name)) throw new S3Error('NotImplemented', `${name} on a delete is not implemented.`)
  }
  const ifMatch = ctx.headers.get('if-match')
  await deps.store.deleteObject(ref, {
    ...(versionId !== undefined && { versionId }),
    ...(ifMatch !== undefined && { ifMatch }),
  })
  answerEmpty(ctx, 204)
}
