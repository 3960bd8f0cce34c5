import { answerXml } from '../answer.ts'
import type { Operation } from '../context.ts'
import { objectElements, ownerOf, prefixElements, readList } from '../listing.ts'
import { elements, type XmlElement } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
export const listObjects: Operation = async (ctx, deps) => {
  const { bucket, names, most: maxKeys, prefix, delimiter } = readList(ctx, 'max-keys')
  const marker = ctx.query.get('marker') ?? ''
  await deps.access.allow(ctx, 's3:ListBucket', { bucket })
  const page = await deps.store.listObjects({
    bucket,
    prefix,
    maxKeys,
    ...(delimiter !== undefined && { delimiter }),
    ...(marker !== '' && { startAfter: marker }),
  })
  const owner = await ownerOf(bucket, deps)
  const next = page.isTruncated && delimiter !== undefined ? page.nextMarker : undefined
  answerXml(ctx, 'ListBucketResult', [
    ...elements({
      Name: bucket,
      Prefix: names.encode(prefix),
      Marker: names.encode(marker),
      NextMarker: next === undefined ? undefined : names.encode(next),
      MaxKeys: maxKeys,
      Delimiter: delimiter === undefined ? undefined : names.encode(delimiter),
      EncodingType: names.type,
      IsTruncated: page.isTruncated,
    }),
    ...page.objects.map((object): XmlElement => ['Contents', objectElements(object, names, owner)]),
    ...prefixElements(page.commonPrefixes, names),
  ])
}
