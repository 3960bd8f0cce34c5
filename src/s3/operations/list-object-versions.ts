import { StorageError } from '../../errors.ts'
import type { ListedVersion } from '../../drivers/driver.ts'
import { answerXml } from '../answer.ts'
import type { Operation } from '../context.ts'
import { objectElements, ownerElement, ownerOf, prefixElements, readList, type NameEncoder } from '../listing.ts'
import { elements, type XmlElement } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html */
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
  const page = await deps.store.listObjectVersions({
    bucket,
    prefix,
    maxKeys,
    ...(delimiter !== undefined && { delimiter }),
    ...(keyMarker !== '' && { keyMarker }),
    ...(versionMarker !== '' && { versionIdMarker: versionMarker }),
  })
  const owner = await ownerOf(bucket, deps)
  const next = page.nextKeyMarker
  answerXml(ctx, 'ListVersionsResult', [
    ...elements({
      Name: bucket,
      Prefix: names.encode(prefix),
      KeyMarker: names.encode(keyMarker),
      VersionIdMarker: versionMarker,
      NextKeyMarker: next === undefined ? undefined : names.encode(next),
      NextVersionIdMarker: page.nextVersionIdMarker,
      MaxKeys: maxKeys,
      Delimiter: delimiter === undefined ? undefined : names.encode(delimiter),
      EncodingType: names.type,
      IsTruncated: page.isTruncated,
    }),
    ...page.versions.map((version) => versionElement(version, names, owner)),
    ...prefixElements(page.commonPrefixes, names),
  ])
}

function versionElement(version: ListedVersion, names: NameEncoder, owner: string): XmlElement {
  const { versionId, isLatest, isDeleteMarker, lastModified } = version
  const [key, ...rest] = objectElements(version, names, owner)
  const named: XmlElement[] = [key!, ['VersionId', versionId], ['IsLatest', isLatest]]
  if (!isDeleteMarker) return ['Version', [...named, ...rest]]
  return ['DeleteMarker', [...named, ['LastModified', lastModified.toISOString()], ['Owner', ownerElement(owner)]]]
}
