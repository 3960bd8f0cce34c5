import { defaultChecksumType } from '../../drivers/checksums/checksum.ts'
import { answerXml } from '../answer.ts'
import { objectOf, type Operation } from '../context.ts'
import { parseAlgorithm, readChecksumType, refuseUnsupportedHeaders } from '../object-headers.ts'
import { initiationBy } from '../multipart.ts'
import { admitWrite } from '../written-headers.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export const createMultipartUpload: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const allowed = await deps.access.allow(ctx, 's3:PutObject', ref)
  refuseUnsupportedHeaders(ctx.headers)
  const named = ctx.headers.get('x-amz-checksum-algorithm')
  const algorithm = named === undefined ? undefined : parseAlgorithm(named)
  const { checksumType } = readChecksumType(ctx.headers)
  const { headers } = await admitWrite(ctx, ref, deps, allowed)
  const { uploadId } = await deps.store.createMultipartUpload(ref, {
    ...headers,
    ...(ref.bucket !== deps.gatewayBucket && { initiation: initiationBy(ctx) }),
    ...(algorithm !== undefined && { checksumAlgorithm: algorithm }),
    ...(checksumType !== undefined && { checksumType }),
  })
  answerXml(
    ctx,
    'InitiateMultipartUploadResult',
    [
      ['Bucket', ref.bucket],
      ['Key', ref.key],
      ['UploadId', uploadId],
    ],
    {
      'x-amz-checksum-algorithm': algorithm?.toUpperCase(),
      'x-amz-checksum-type': checksumType ?? (algorithm && defaultChecksumType(algorithm)),
    },
  )
}
