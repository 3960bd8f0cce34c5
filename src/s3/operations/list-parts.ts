import { answerXml, quoted } from '../answer.ts'
import { objectOf, type Operation } from '../context.ts'
import { ownerElement, ownerOf, readCount } from '../listing.ts'
import { allowInUpload, elementOf, readUploadId } from '../multipart.ts'
import { elements, type XmlElement } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
export const listParts: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const uploadId = readUploadId(ctx)
  const maxParts = readCount(ctx, 'max-parts')
  const marker = ctx.query.has('part-number-marker') ? readCount(ctx, 'part-number-marker', { most: 2_147_483_647 }) : 0
  await allowInUpload(ctx, 's3:ListMultipartUploadParts', ref, uploadId, deps)
  const page = await deps.store.listParts(ref, uploadId, { maxParts, partNumberMarker: marker })
  const owner = ownerElement(await ownerOf(ref.bucket, deps))
  answerXml(ctx, 'ListPartsResult', [
    ...elements({
      Bucket: ref.bucket,
      Key: ref.key,
      UploadId: uploadId,
      Initiator: page.initiator === undefined ? owner : ownerElement(page.initiator),
      Owner: owner,
      StorageClass: page.storageClass ?? 'STANDARD',
      PartNumberMarker: marker,
      // Always set, because a paginator that reads only this field would otherwise start again at 0.
      NextPartNumberMarker: page.nextPartNumberMarker ?? page.parts.at(-1)?.partNumber,
      MaxParts: maxParts,
      IsTruncated: page.isTruncated,
      ChecksumAlgorithm: page.checksumAlgorithm?.toUpperCase(),
      ChecksumType: page.checksumType,
    }),
    ...page.parts.map((part): XmlElement => [
      'Part',
      elements({
        PartNumber: part.partNumber,
        LastModified: part.lastModified.toISOString(),
        ETag: quoted(part.etag),
        Size: part.contentLength,
        ...(part.checksum && { [elementOf(part.checksum)]: part.checksum.value }),
      }),
    ]),
  ])
}
