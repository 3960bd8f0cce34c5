import { isStorageError, StorageError } from '../../errors.ts'
import type { Checksum, ObjectHead, ObjectPartPage, ObjectRef } from '../../drivers/driver.ts'
import { actionOn } from '../actions.ts'
import { answerXml } from '../answer.ts'
import { objectOf, versionOf, type Operation, type OperationDeps, type S3Context } from '../context.ts'
import { countOf } from '../listing.ts'
import { elementOf } from '../multipart.ts'
import { readConditions } from '../object-headers.ts'
import { checksumElements } from '../written.ts'
import { elements, type XmlElement } from '../xml.ts'

const known = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */
export const getObjectAttributes: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const wanted = (ctx.headers.get('x-amz-object-attributes') ?? '').split(',').map((name) => name.trim())
  if (wanted.some((name) => !(known as readonly string[]).includes(name))) {
    throw new StorageError('InvalidArgument', {
      message: `x-amz-object-attributes must name one or more of ${known.join(', ')}.`,
      details: { ArgumentName: 'x-amz-object-attributes' },
    })
  }
  const asked = versionOf(ctx)
  const on = { ...ref, ...asked }
  const page = readPage(ctx)
  await deps.access.allow(ctx, actionOn('s3:GetObject', asked.versionId), on)
  await deps.access.allow(ctx, actionOn('s3:GetObjectAttributes', asked.versionId), on)
  const head = await deps.store.headObject(ref, {
    ...readConditions(ctx.headers),
    ...asked,
  })
  const asks = (name: (typeof known)[number]): boolean => wanted.includes(name)
  const parts = asks('ObjectParts') && head.partCount ? await partsOf(ref, head, page, deps) : undefined
  answerXml(
    ctx,
    'GetObjectAttributesResponse',
    elements({
      ETag: asks('ETag') ? head.etag : undefined,
      Checksum: asks('Checksum') && head.checksum ? checksumOf(head.checksum) : undefined,
      ObjectParts: parts,
      StorageClass: asks('StorageClass') ? (head.storageClass ?? 'STANDARD') : undefined,
      ObjectSize: asks('ObjectSize') ? head.contentLength : undefined,
    }),
    { 'last-modified': head.lastModified.toUTCString(), 'x-amz-version-id': head.versionId },
  )
}

/** Removes the number of parts from a composite value, because ObjectParts contains it. */
const checksumOf = (checksum: Checksum): XmlElement[] =>
  elements(checksumElements({ checksum: { ...checksum, value: checksum.value.replace(/-\d+$/, '') } }))

type Page = { maxParts: number; partNumberMarker: number }

const readPage = ({ headers }: S3Context): Page => ({
  maxParts: countOf('x-amz-max-parts', headers.get('x-amz-max-parts')),
  partNumberMarker: headers.has('x-amz-part-number-marker')
    ? countOf('x-amz-part-number-marker', headers.get('x-amz-part-number-marker'), { most: 10_000 })
    : 0,
})

/** The number of parts, and each part's details if the store knows them. */
async function partsOf(ref: ObjectRef, head: ObjectHead, page: Page, deps: OperationDeps): Promise<XmlElement[]> {
  const count = elements({ PartsCount: head.partCount })
  let found: ObjectPartPage
  try {
    const { versionId } = head
    const same = { ifMatch: `"${head.etag}"`, ...(versionId !== undefined && { versionId }) }
    found = await deps.store.listObjectParts(ref, { ...page, ...same })
  } catch (error) {
    if (isStorageError(error, 'NotSupported')) return count
    throw error
  }
  return [
    ...count,
    ...elements({
      PartNumberMarker: page.partNumberMarker,
      NextPartNumberMarker: found.parts.at(-1)?.partNumber,
      MaxParts: page.maxParts,
      IsTruncated: found.isTruncated,
    }),
    ...found.parts.map((part): XmlElement => [
      'Part',
      elements({
        PartNumber: part.partNumber,
        Size: part.contentLength,
        ...(part.checksum && { [elementOf(part.checksum)]: part.checksum.value }),
      }),
    ]),
  ]
}
