import { StorageError } from '../../errors.ts'
import { checksumAlgorithms, type Checksum } from '../../drivers/driver.ts'
import { answerXml, quoted } from '../answer.ts'
import { objectOf, type Operation, type S3Context } from '../context.ts'
import { readDocument } from '../document.ts'
import { expirationHeader } from '../lifecycle/expiration-header.ts'
import { allowInUpload, elementOf, locationOf, readUploadId } from '../multipart.ts'
import { checksumValue, readChecksum, readChecksumType, readWriteConditions } from '../object-headers.ts'
import { checksumElements, settleWritten } from '../written.ts'
import { elements, malformed, parseXml, type XmlNode } from '../xml.ts'

type Part = { partNumber: number; etag: string; checksum?: Checksum }

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export const completeMultipartUpload: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const uploadId = readUploadId(ctx)
  const allowed = await allowInUpload(ctx, 's3:PutObject', ref, uploadId, deps)
  const conditions = readWriteConditions(ctx.headers)
  const checksum = readChecksum(ctx.headers)
  const contentLength = readObjectSize(ctx)
  // The checksum in the headers is the object's, not the body's.
  const body = await readDocument({ ...ctx, headers: withoutChecksums(ctx.headers) })
  const parts = parseXml(body, 'CompleteMultipartUpload')
    .allow({ many: ['Part'] })
    .children('Part')
    .map(readPart)
  if (parts.length === 0) throw malformed()
  const written = await deps.store.completeMultipartUpload(ref, uploadId, parts, {
    ...conditions,
    ...(checksum && { checksum }),
    ...readChecksumType(ctx.headers),
    ...(contentLength !== undefined && { contentLength }),
  })
  await settleWritten(ref, deps)
  answerXml(
    ctx,
    'CompleteMultipartUploadResult',
    elements({
      Location: locationOf(ref.bucket, ref.key, deps),
      Bucket: ref.bucket,
      Key: ref.key,
      ETag: quoted(written.etag),
      ...checksumElements(written),
    }),
    {
      'x-amz-version-id': written.versionId,
      ...(await expirationHeader(ref, { ...written, lastModified: deps.now() }, allowed.bucket, deps)),
    },
  )
}

const withoutChecksums = (headers: S3Context['headers']): S3Context['headers'] =>
  new Map([...headers].filter(([name]) => !name.startsWith('x-amz-checksum-')))

function readObjectSize(ctx: S3Context): number | undefined {
  const text = ctx.headers.get('x-amz-mp-object-size')
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new StorageError('InvalidRequest', { message: 'Value for x-amz-mp-object-size header is invalid.' })
}

/** Accepted and ignored are checksums of algorithms that are not implemented. */
const partElements = [
  'PartNumber',
  'ETag',
  ...checksumAlgorithms.map((algorithm) => elementOf({ algorithm })),
  'ChecksumXXHASH64',
  'ChecksumXXHASH3',
  'ChecksumXXHASH128',
]

/** ETags may be quoted or not. */
function readPart(node: XmlNode): Part {
  node.allow({ once: partElements })
  const number = node.textOf('PartNumber')?.trim() ?? ''
  const etag = node.textOf('ETag')?.trim().replaceAll('"', '') ?? ''
  if (!/^\d{1,9}$/.test(number) || etag === '') throw malformed()
  const part: Part = { partNumber: Number(number), etag }
  for (const algorithm of checksumAlgorithms) {
    const value = node.textOf(elementOf({ algorithm }))?.trim()
    if (value) part.checksum = { algorithm, value: checksumValue(algorithm, value) }
  }
  return part
}
