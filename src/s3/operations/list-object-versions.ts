import { StorageError } from '../../errors.ts'
import { answerXml } from '../answer.ts'
import type { Operation } from '../context.ts'
import { objectElements, ownerOf, prefixElements, readList } from '../listing.ts'
import { elements, type XmlElement } from '../xml.ts'

/**
 * Objects are not versioned. Each object has one version, `null`.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
 */
export const listObjectVersions: Operation = async (ctx, deps) => {
  const { bucket, names, most: maxKeys, prefix, delimiter } = readList(ctx, 'max-keys')
  const keyMarker = ctx.query.get('key-marker') ?? ''
  const versionMarker = ctx.query.get('version-id-marker') ?? ''
  if (versionMarker !== '' && keyMarker === '') {
    throw new StorageError('InvalidArgument', {
      message: 'A version-id marker cannot be specified without a key marker.',
    })
  }
  await deps.access.allow(ctx, 's3:ListBucketVersions', { bucket })
  const page = await deps.store.listObjects({
    bucket,
    prefix,
    maxKeys,
    ...(delimiter !== undefined && { delimiter }),
    ...(keyMarker !== '' && { startAfter: keyMarker }),
  })
  const owner = await ownerOf(bucket, deps)
  const next = page.isTruncated ? page.nextMarker : undefined
  answerXml(ctx, 'ListVersionsResult', [
    ...elements({
      Name: bucket,
      Prefix: names.encode(prefix),
      KeyMarker: names.encode(keyMarker),
      VersionIdMarker: versionMarker,
      NextKeyMarker: next === undefined ? undefined : names.encode(next),
      NextVersionIdMarker: next === undefined ? undefined : 'null',
      MaxKeys: maxKeys,
      Delimiter: delimiter === undefined ? undefined : names.encode(delimiter),
      EncodingType: names.type,
      IsTruncated: page.isTruncated,
    }),
    ...page.objects.map((object): XmlElement => {
      const [key, ...rest] = objectElements(object, names, owner)
      return ['Version', [key!, ['VersionId', 'null'], ['IsLatest', true], ...rest]]
    }),
    ...prefixElements(page.commonPrefixes, names),
  ])
}
