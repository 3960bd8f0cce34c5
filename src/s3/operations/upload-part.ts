import { answerEmpty, quoted } from '../answer.ts'
import { objectOf, runWrite, type Operation } from '../context.ts'
import { allowInUpload, readPartNumber, readUploadId } from '../multipart.ts'
import { maxObjectBytes, objectBody } from '../object-body.ts'
import { refuseUnsupportedHeaders } from '../object-headers.ts'
import { checksumHeaders } from '../written.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
export const uploadPart: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const uploadId = readUploadId(ctx)
  const partNumber = readPartNumber(ctx)
  await allowInUpload(ctx, 's3:PutObject', ref, uploadId, deps)
  refuseUnsupportedHeaders(ctx.headers)
  const body = objectBody(ctx, maxObjectBytes(ref.bucket, deps))
  if (ref.bucket === deps.gatewayBucket) {
    await deps.admitPart?.(ref, { uploadId, partNumber, contentLength: body.expect.contentLength })
  }
  const written = await runWrite(deps, ref, partNumber, (running) =>
    deps.store.uploadPart(ref, uploadId, partNumber, body.stream, { ...body.expect, ...running }),
  )
  answerEmpty(ctx, 200, { etag: quoted(written.etag), ...checksumHeaders({ ...written }) })
}
