import { StorageError } from '../../errors.ts'
import { answerXml } from '../answer.ts'
import { objectOf, type Operation } from '../context.ts'
import { readConditions } from '../object-headers.ts'
import { checksumElements } from '../written.ts'
import { elements } from '../xml.ts'

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
  const versionId = ctx.query.get('versionId')
  await deps.access.allow(ctx.principal, 'read', ref)
  const head = await deps.store.headObject(ref, {
    ...readConditions(ctx.headers),
    ...(versionId !== undefined && { versionId }),
  })
  const asks = (name: (typeof known)[number]): boolean => wanted.includes(name)
  answerXml(
    ctx,
    'GetObjectAttributesResponse',
    elements({
      ETag: asks('ETag') ? head.etag : undefined,
      Checksum: asks('Checksum') && head.checksum ? elements(checksumElements(head)) : undefined,
      ObjectParts: asks('ObjectParts') && head.partCount ? [['PartsCount', head.partCount]] : undefined,
      StorageClass: asks('StorageClass') ? 'STANDARD' : undefined,
      ObjectSize: asks('ObjectSize') ? head.contentLength : undefined,
    }),
    { 'last-modified': head.lastModified.toUTCString(), 'x-amz-version-id': head.versionId },
  )
}
