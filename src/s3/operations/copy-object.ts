import { StorageError } from '../../errors.ts'
import type { CopyOptions, ObjectRef } from '../../drivers/driver.ts'
import { answerXml, quoted } from '../answer.ts'
import { actionOn } from '../actions.ts'
import { objectOf, type Operation, type OperationDeps, type S3Context } from '../context.ts'
import { allowSource, parseCopySource, refuseMarker, type CopySource } from '../copy-source.ts'
import { expirationHeader } from '../lifecycle/expiration-header.ts'
import {
  parseAlgorithm,
  readConditions,
  readObjectHeaders,
  readStorageClass,
  readTagging,
  readWriteConditions,
  refuseUnsupportedHeaders,
} from '../object-headers.ts'
import { admitWrite, type Admitted } from '../written-headers.ts'
import { checksumElements, settleWritten } from '../written.ts'
import { elements } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const copyObject: Operation = async (ctx, deps) => {
  const target = objectOf(ctx)
  const source = parseCopySource(ctx.headers.get('x-amz-copy-source') ?? '')
  await allowSource(ctx, source, deps)
  const tags = await copiedTags(ctx, source, target, deps)
  // A policy is asked about the tags that the copy will have. With COPY these are the source's.
  const writer =
    tags === null ? ctx : { ...ctx, headers: without(ctx.headers, 'x-amz-tagging'), requestTags: async () => tags }
  const allowed = await deps.access.allow(writer, 's3:PutObject', target)
  refuseUnsupportedHeaders(ctx.headers)
  const options = { ...readOptions(ctx), ...(tags !== null && { taggingDirective: 'REPLACE' as const, tags }) }
  const same = source.ref.bucket === target.bucket && source.ref.key === target.key
  if (
    same &&
    source.versionId === undefined &&
    options.metadataDirective !== 'REPLACE' &&
    options.storageClass === undefined
  ) {
    throw new StorageError('InvalidRequest', {
      message:
        'This copy request is illegal because it is trying to copy an object to itself without changing the object’s metadata.',
    })
  }
  const admitted = await admitWrite(writer, target, deps, allowed)
  if (tags !== null && hasAny(tags) && !admitted.isGranted && allowed.bucket !== null) {
    await deps.access.allow(writer, 's3:PutObjectTagging', { ...target, isNew: true })
  }
  const copying = deps.store.copyObject(source.ref, target, {
    ...(admitted.isGranted ? granted(options, admitted) : options),
    ...(!admitted.isGranted && admitted.headers.acl !== undefined && { acl: admitted.headers.acl }),
    ...(!admitted.isGranted && admitted.headers.lock !== undefined && { lock: admitted.headers.lock }),
    ...readWriteConditions(ctx.headers),
    ...(source.versionId !== undefined && { sourceVersionId: source.versionId }),
  })
  const written = await copying.catch(refuseMarker)
  await settleWritten(target, deps)
  answerXml(
    ctx,
    'CopyObjectResult',
    elements({
      LastModified: written.lastModified.toISOString(),
      ETag: quoted(written.etag),
      ...checksumElements(written),
    }),
    {
      'x-amz-version-id': written.versionId,
      'x-amz-copy-source-version-id': written.sourceVersionId ?? source.versionId,
      ...(await expirationHeader(target, written, allowed.bucket, deps)),
    },
  )
}

/**
 * The source's tags, if the copy gets them. As on AWS, copying tags needs the right to read and to write them. The copy
 * gets the tags that are read here, because the source's may change before it is copied. null if the request has tags.
 */
async function copiedTags(
  ctx: S3Context,
  { ref, versionId }: CopySource,
  target: ObjectRef,
  deps: OperationDeps,
): Promise<Record<string, string> | null> {
  // Only the gateway's own key copies within its bucket, which has no policy. The store may not support tags.
  if (ref.bucket === deps.gatewayBucket && target.bucket === deps.gatewayBucket) return null
  if (directive(ctx.headers.get('x-amz-tagging-directive'), 'x-amz-tagging-directive') === 'REPLACE') return null
  const asked = versionId === undefined ? {} : { versionId }
  const tags = await deps.store.getObjectTags(ref, asked).catch(refuseMarker)
  if (hasAny(tags)) await deps.access.allow(ctx, actionOn('s3:GetObjectTagging', versionId), { ...ref, ...asked })
  return tags
}

const hasAny = (tags: Record<string, string>): boolean => Object.keys(tags).length > 0
const without = (headers: S3Context['headers'], name: string): S3Context['headers'] =>
  new Map([...headers].filter(([each]) => each !== name))

/** Ignores the headers of the source and the request. The object gets those of the upload that the key belongs to. */
const granted = ({ sourceConditions, checksumAlgorithm }: CopyOptions, { headers }: Admitted): CopyOptions => ({
  metadataDirective: 'REPLACE',
  taggingDirective: 'REPLACE',
  ...headers,
  ...(sourceConditions && { sourceConditions }),
  ...(checksumAlgorithm && { checksumAlgorithm }),
})

function readOptions(ctx: S3Context): CopyOptions {
  const { headers } = ctx
  const metadataDirective = directive(headers.get('x-amz-metadata-directive'), 'x-amz-metadata-directive')
  const taggingDirective = directive(headers.get('x-amz-tagging-directive'), 'x-amz-tagging-directive')
  const algorithm = headers.get('x-amz-checksum-algorithm')
  return {
    metadataDirective,
    taggingDirective,
    ...(metadataDirective === 'REPLACE' ? readObjectHeaders(headers) : readStorageClass(headers)),
    ...(taggingDirective === 'REPLACE' && readTagging(headers)),
    ...(algorithm !== undefined && { checksumAlgorithm: parseAlgorithm(algorithm) }),
    sourceConditions: readConditions(headers, 'x-amz-copy-source-'),
  }
}

function directive(text: string | undefined, name: string): 'COPY' | 'REPLACE' {
  if (text === undefined || text === 'COPY') return 'COPY'
  if (text === 'REPLACE') return 'REPLACE'
  throw new StorageError('InvalidArgument', {
    message: 'The directive is neither COPY nor REPLACE.',
    details: { ArgumentName: name, ArgumentValue: text.slice(0, 40) },
  })
}
