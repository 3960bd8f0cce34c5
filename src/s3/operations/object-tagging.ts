import { answerEmpty, answerXml } from '../answer.ts'
import { objectOf, refuseVersion, type Operation } from '../context.ts'
import { readDocument } from '../document.ts'
import { addTag } from '../object-headers.ts'
import { malformed, parseXml, type XmlElement } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html */
export const getObjectTagging: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  refuseVersion(ctx)
  await deps.access.allow(ctx.principal, 'inspect', ref)
  const tags = await deps.store.getObjectTags(ref)
  const set = Object.entries(tags).map(([name, value]): XmlElement => [
    'Tag',
    [
      ['Key', name],
      ['Value', value],
    ],
  ])
  answerXml(ctx, 'Tagging', [['TagSet', set]])
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

/** A `<Tagging>` document. Throws MalformedXML, InvalidTag. */
export function readTagSet(document: Buffer): Record<string, string> {
  const set = parseXml(document, 'Tagging').child('TagSet')
  if (set === undefined) throw malformed()
  const tags: Record<string, string> = Object.create(null)
  for (const tag of set.children('Tag')) {
    const name = tag.textOf('Key')
    const value = tag.textOf('Value')
    if (name === undefined || value === undefined) throw malformed()
    addTag(tags, name, value)
  }
  return tags
}
