import { answerEmpty, answerXml } from '../answer.ts'
import { objectOf, refuseVersion, type Operation } from '../context.ts'
import { readDocument } from '../document.ts'
import { readTagSet, tagElements } from '../tag-set.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html */
export const getObjectTagging: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  refuseVersion(ctx)
  await deps.access.allow(ctx, 's3:GetObjectTagging', ref)
  const tags = await deps.store.getObjectTags(ref)
  answerXml(ctx, 'Tagging', [['TagSet', tagElements(tags)]])
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html */
export const putObjectTagging: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  refuseVersion(ctx)
  // Read at most once: before this a policy may ask for them.
  let read: Promise<Record<string, string>> | undefined
  const requestTags = (): Promise<Record<string, string>> =>
    (read ??= readDocument(ctx, { digestRequired: true }).then(readTagSet))
  await deps.access.allow({ ...ctx, requestTags }, 's3:PutObjectTagging', ref)
  await deps.store.putObjectTags(ref, await requestTags())
  answerEmpty(ctx, 200)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html */
export const deleteObjectTagging: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  refuseVersion(ctx)
  await deps.access.allow(ctx, 's3:DeleteObjectTagging', ref)
  await deps.store.putObjectTags(ref, {})
  answerEmpty(ctx, 204)
}
