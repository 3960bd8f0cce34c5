import type { ObjectRef, OfVersion } from '../../drivers/driver.ts'
import { actionOn } from '../actions.ts'
import { answerEmpty, answerXml, type AnswerHeaders } from '../answer.ts'
import { objectOf, versionOf, type Operation, type OperationDeps } from '../context.ts'
import { readDocument } from '../document.ts'
import { readTagSet, tagElements } from '../tag-set.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html */
export const getObjectTagging: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const asked = versionOf(ctx)
  await deps.access.allow(ctx, actionOn('s3:GetObjectTagging', asked.versionId), { ...ref, ...asked })
  const found = await find(ref, asked, deps)
  const tags = await deps.store.getObjectTags(ref, found)
  answerXml(ctx, 'Tagging', [['TagSet', tagElements(tags)]], versionHeader(found))
}

/** Bytes. Ten tags of 384 characters, each of which may be an XML entity. */
const maxTagSet = 128 * 1024

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html */
export const putObjectTagging: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const asked = versionOf(ctx)
  // Memoised, because the evaluation of a policy may already have read the body.
  let read: Promise<Record<string, string>> | undefined
  const requestTags = (): Promise<Record<string, string>> =>
    (read ??= readDocument(ctx, { maxBytes: maxTagSet, digestRequired: true }).then(readTagSet))
  const who = { ...ctx, requestTags }
  await deps.access.allow(who, actionOn('s3:PutObjectTagging', asked.versionId), { ...ref, ...asked })
  const tags = await requestTags()
  const found = await find(ref, asked, deps)
  await deps.store.putObjectTags(ref, tags, found)
  answerEmpty(ctx, 200, versionHeader(found))
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html */
export const deleteObjectTagging: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const asked = versionOf(ctx)
  await deps.access.allow(ctx, actionOn('s3:DeleteObjectTagging', asked.versionId), { ...ref, ...asked })
  const found = await find(ref, asked, deps)
  await deps.store.putObjectTags(ref, {}, found)
  answerEmpty(ctx, 204, versionHeader(found))
}

/** Looks up the version id, which the response contains. */
async function find(ref: ObjectRef, asked: OfVersion, deps: OperationDeps): Promise<OfVersion> {
  const { versionId } = await deps.store.headObject(ref, asked)
  return versionId === undefined ? asked : { versionId }
}

const versionHeader = ({ versionId }: OfVersion): AnswerHeaders => ({ 'x-amz-version-id': versionId })
