import { StorageError } from '../../errors.ts'
import { answerXml, quoted } from '../answer.ts'
import { objectOf, type Operation } from '../context.ts'
import { allowSource, parseCopySource, refuseMarker } from '../copy-source.ts'
import { allowInUpload, readPartNumber, readUploadId } from '../multipart.ts'
import { readConditions, refuseUnsupportedHeaders } from '../object-headers.ts'
import { checksumElements } from '../written.ts'
import { elements } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html */
export const uploadPartCopy: Operation = async (ctx, deps) => {
  const target = objectOf(ctx)
  const uploadId = readUploadId(ctx)
  const partNumber = readPartNumber(ctx)
  const source = parseCopySource(ctx.headers.get('x-amz-copy-source') ?? '')
  await allowInUpload(ctx, 's3:PutObject', target, uploadId, deps)
  await allowSource(ctx, source, deps)
  refuseUnsupportedHeaders(ctx.headers)
  const range = readSourceRange(ctx.headers.get('x-amz-copy-source-range'))
  const copying = deps.store.uploadPartCopy(target, uploadId, partNumber, source.ref, {
    sourceConditions: readConditions(ctx.headers, 'x-amz-copy-source-'),
    ...(range && { range }),
    ...(source.versionId !== undefined && { sourceVersionId: source.versionId }),
  })
  const written = await copying.catch(refuseMarker)
  answerXml(
    ctx,
    'CopyPartResult',
    elements({
      LastModified: written.lastModified.toISOString(),
      ETag: quoted(written.etag),
      ...checksumElements(written),
    }),
    { 'x-amz-copy-source-version-id': written.sourceVersionId ?? source.versionId },
  )
}

/** Exactly `bytes=first-last`. Unlike Range, an invalid value is an error. */
function readSourceRange(header: string | undefined): { start: number; end: number } | undefined {
  if (header === undefined) return undefined
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header) ?? []
  if (first !== undefined && last !== undefined && Number(first) <= Number(last)) {
    return { start: Number(first), end: Number(last) }
  }
  throw new StorageError('InvalidArgument', {
    message:
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    details: { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: header.slice(0, 80) },
  })
}
