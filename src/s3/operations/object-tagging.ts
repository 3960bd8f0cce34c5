import { answerEmpty, answerXml } from '../answer.ts'
import { objectOf, refuseVersion, type Operation } from '../context.ts'
import { readDocument } from '../document.ts'
import { readTagSet, tagElements } from '../tag-set.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html */
export const getObjectTagging: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  refuseVersion(ctx)
  await deps.access.allow(ctx.principal, 'inspect', ref)
  const tags = await deps.store.getObjectTags(ref)
  answerXml(ctx, 'Tagging', [['TagSet', tagElements(tags)]])
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html */
export const putObjectTagging: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  refuseVersion(ctx)
  await deps.access.allow(ctx.principal, 'configure', ref)
  const tags = readTagSet(await readDocument(ctx, { digestRequired: true }))
  await deps.store.putObjectTags(ref, tags)
  answerEmpty(ctx, 200)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html */
export const deleteObjectTagging: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  refuseVersion(ctx)
  await deps.access.allow(ctx.principal, 'configure', ref)
  await deps.store.putObjectTags(ref, {})
  answerEmpty(ctx, 204)
}
