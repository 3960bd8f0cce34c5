import { isStorageError, StorageError } from '../../errors.ts'
import { answerEmpty } from '../answer.ts'
import { bucketOf, type Operation, type OperationDeps, type S3Context } from '../context.ts'
import { readDocument } from '../document.ts'
import { readAcl, refuseUnsupportedHeaders } from '../object-headers.ts'
import { S3Error } from '../s3-error.ts'
import { parseXml } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html */
export const createBucket: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx.principal, 'create', { bucket })
  if (ctx.principal.kind === 'anonymous') throw new StorageError('AccessDenied')
  refuseUnsupportedHeaders(ctx.headers)
  if (ctx.headers.get('x-amz-object-ownership') === 'BucketOwnerEnforced') {
    throw new S3Error('NotImplemented', 'Buckets without ACLs (BucketOwnerEnforced) are not implemented.')
  }
  const acl = readAcl(ctx.headers)
  checkLocation(await readDocument(ctx), deps.region)
  await create(bucket, { owner: ctx.principal.owner, ...acl }, deps, ctx)
  answerEmpty(ctx, 200, { location: `/${bucket}` })
}

async function create(
  bucket: string,
  o: Parameters<OperationDeps['store']['createBucket']>[1],
  deps: OperationDeps,
  ctx: S3Context,
): Promise<void> {
  try {
    await deps.store.createBucket(bucket, o)
  } catch (error) {
    // In us-east-1 making one's own bucket again succeeds, as long as it would be the same.
    if (!isStorageError(error, 'BucketAlreadyOwnedByYou') || deps.region !== 'us-east-1') throw error
    const there = await deps.store.headBucket(bucket)
    const asked = ctx.headers.has('x-amz-acl') ? (o.acl ?? 'private') : 'private'
    if (there.acl !== asked) {
      throw new StorageError('BucketAlreadyExists', { message: 'You own this bucket already, with another ACL.' })
    }
  }
}

function checkLocation(body: Buffer, region: string): void {
  if (body.length === 0) return
  const document = parseXml(body, 'CreateBucketConfiguration')
  const location = document.textOf('LocationConstraint')?.trim()
  if (location && location !== region) {
    throw new S3Error(
      'IllegalLocationConstraintException',
      `The location constraint is incompatible with the region this endpoint has, which is ${region}.`,
    )
  }
  for (const name of document.names()) {
    if (name !== 'LocationConstraint') {
      throw new S3Error('NotImplemented', `${name.replace(/\W/g, '')} of a bucket is not implemented.`)
    }
  }
}
