import { answerEmpty } from '../answer.ts'
import { objectOf, type Operation } from '../context.ts'
import { allowInUpload, readUploadId } from '../multipart.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
export const abortMultipartUpload: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const uploadId = readUploadId(ctx)
  await allowInUpload(ctx, 's3:AbortMultipartUpload', ref, uploadId, deps)
  await deps.store.abortMultipartUpload(ref, uploadId)
  answerEmpty(ctx, 204)
}
