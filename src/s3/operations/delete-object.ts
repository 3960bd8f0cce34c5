import { actionOn } from '../actions.ts'
import { answerEmpty } from '../answer.ts'
import { objectOf, versionOf, type Operation } from '../context.ts'
import { readBypass } from '../object-lock.ts'
import { S3Error } from '../s3-error.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
export const deleteObject: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const ofVersion = versionOf(ctx)
  await deps.access.allow(ctx, actionOn('s3:DeleteObject', ofVersion.versionId), { ...ref, ...ofVersion })
  for (const name of ['x-amz-if-match-last-modified-time', 'x-amz-if-match-size']) {
    if (ctx.headers.has(name)) throw new S3Error('NotImplemented', `${name} on a delete is not implemented.`)
  }
  const ifMatch = ctx.headers.get('if-match')
  const bypass = await readBypass(ctx, { ...ref, ...ofVersion }, deps)
  const deleted = await deps.store.deleteObject(ref, {
    ...ofVersion,
    ...bypass,
    ...(ifMatch !== undefined && { ifMatch }),
  })
  answerEmpty(ctx, 204, {
    'x-amz-delete-marker': deleted.deleteMarker === true ? 'true' : undefined,
    'x-amz-version-id': deleted.versionId,
  })
}
