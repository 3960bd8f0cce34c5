import { StorageError } from '../../errors.ts'
import { answerXml } from '../answer.ts'
import type { Operation } from '../context.ts'
import { objectElements, ownerOf, prefixElements, readList } from '../listing.ts'
import { elements, type XmlElement } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export const listObjectsV2: Operation = async (ctx, deps) => {
  if (ctx.query.get('list-type') !== '2') {
    throw new StorageError('InvalidArgument', { message: 'Invalid List Type specified in Request' })
  }
  const { bucket, names, most: maxKeys, prefix, delimiter } = readList(ctx, 'max-keys')
  const startAfter = ctx.query.get('start-after')
  const token = ctx.query.get('continuation-token')
  await deps.access.allow(ctx, 's3:ListBucket', { bucket })
  const page = await deps.store.listObjects({
    bucket,
    prefix,
    maxKeys,
    ...(delimiter !== undefined && { delimiter }),
    ...(startAfter && { startAfter }),
    ...(token && { continuationToken: token }),
  })
  const owner = ctx.query.get('fetch-owner') === 'true' ? await ownerOf(bucket, deps) : undefined
  answerXml(ctx, 'ListBucketResult', [
    ...elements({
      Name: bucket,
      Prefix: names.encode(prefix),
      StartAfter: startAfter === undefined ? undefined : names.encode(startAfter),
      ContinuationToken: token,
      NextContinuationToken: page.isTruncated ? page.nextContinuationToken : undefined,
      KeyCount: page.objects.length + page.commonPrefixes.length,
      MaxKeys: maxKeys,
      Delimiter: delimiter === undefined ? undefined : names.encode(delimiter),
      EncodingType: names.type,
      IsTruncated: page.isTruncated,
    }),
    ...page.objects.map((object): XmlElement => ['Contents', objectElements(object, names, owner)]),
    ...prefixElements(page.commonPrefixes, names),
  ])
}
