import { answerXml } from '../answer.ts'
import type { Operation } from '../context.ts'
import { ownerElement, ownerOf, prefixElements, readList } from '../listing.ts'
import { elements, type XmlElement } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export const listMultipartUploads: Operation = async (ctx, deps) => {
  const { bucket, names, most: maxUploads, prefix, delimiter } = readList(ctx, 'max-uploads')
  const keyMarker = ctx.query.get('key-marker') ?? ''
  // Ignored without a key marker, as on S3.
  const uploadIdMarker = keyMarker === '' ? '' : (ctx.query.get('upload-id-marker') ?? '')
  await deps.access.allow(ctx, 's3:ListBucketMultipartUploads', { bucket })
  const page = await deps.store.listMultipartUploads({
    bucket,
    prefix,
    maxUploads,
    ...(delimiter !== undefined && { delimiter }),
    ...(keyMarker !== '' && { keyMarker }),
    ...(uploadIdMarker !== '' && { uploadIdMarker }),
  })
  const owner = ownerElement(await ownerOf(bucket, deps))
  answerXml(ctx, 'ListMultipartUploadsResult', [
    ...elements({
      Bucket: bucket,
      KeyMarker: names.encode(keyMarker),
      UploadIdMarker: uploadIdMarker,
      NextKeyMarker: page.nextKeyMarker === undefined ? undefined : names.encode(page.nextKeyMarker),
      NextUploadIdMarker: page.nextUploadIdMarker,
      Prefix: names.encode(prefix),
      Delimiter: delimiter === undefined ? undefined : names.encode(delimiter),
      EncodingType: names.type,
      MaxUploads: maxUploads,
      IsTruncated: page.isTruncated,
    }),
    ...page.uploads.map((upload): XmlElement => [
      'Upload',
      elements({
        Key: names.encode(upload.key),
        UploadId: upload.uploadId,
        Initiator: upload.initiator === undefined ? owner : ownerElement(upload.initiator),
        Owner: owner,
        StorageClass: upload.storageClass ?? 'STANDARD',
        Initiated: upload.initiated.toISOString(),
        ChecksumAlgorithm: upload.checksumAlgorithm?.toUpperCase(),
        ChecksumType: upload.checksumType,
      }),
    ]),
    ...prefixElements(page.commonPrefixes, names),
  ])
}
