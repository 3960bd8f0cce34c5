import { answerEmpty, quoted } from '../answer.ts'
import { objectOf, runWrite, type Operation } from '../context.ts'
import { expirationHeader } from '../lifecycle/expiration-header.ts'
import { maxObjectBytes, objectBody } from '../object-body.ts'
import { readWriteConditions, refuseUnsupportedHeaders } from '../object-headers.ts'
import { admitWrite } from '../written-headers.ts'
import { checksumHeaders, settleWritten } from '../written.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export const putObject: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const allowed = await deps.access.allow(ctx, 's3:PutObject', ref)
  refuseUnsupportedHeaders(ctx.headers)
  const { headers, maxBytes } = await admitWrite(ctx, ref, deps, allowed)
  const options = { ...headers, ...readWriteConditions(ctx.headers) }
  const body = objectBody(ctx, Math.min(maxObjectBytes(ref.bucket, deps), maxBytes))
  const written = await runWrite(deps, ref, null, (running) =>
    deps.store.putObject(ref, body.stream, { ...options, ...body.expect, ...running }),
  )
  await settleWritten(ref, deps)
  const expiring = { ...written, lastModified: deps.now(), tags: headers.tags ?? {} }
  answerEmpty(ctx, 200, {
    etag: quoted(written.etag),
    'x-amz-version-id': written.versionId,
    ...(await expirationHeader(ref, expiring, allowed.bucket, deps)),
    ...checksumHeaders(written),
  })
}
