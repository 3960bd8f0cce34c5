import { isDeepStrictEqual } from 'node:util'
import { isStorageError, StorageError } from '../../errors.ts'
import type { BucketConfiguration } from '../../drivers/driver.ts'
import { assertPrivateForOwner, objectOwnership } from '../acl/ownership.ts'
import { readAcl, resolveAcl } from '../acl/requested-acl.ts'
import { answerEmpty } from '../answer.ts'
import { arnOf, bucketOf, type Operation, type OperationDeps, type S3Context } from '../context.ts'
import { readDocument } from '../document.ts'
import { refuseUnsupportedHeaders } from '../object-headers.ts'
import { S3Error } from '../s3-error.ts'
import { readTags } from '../tag-set.ts'
import { parseXml } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html */
export const createBucket: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:CreateBucket', { bucket })
  if (ctx.principal.kind === 'anonymous') throw new StorageError('AccessDenied')
  refuseUnsupportedHeaders(ctx.headers)
  const { owner } = ctx.principal
  const asked = readAcl(ctx.headers)
  const acl = asked === undefined ? undefined : resolveAcl(asked, { of: 'bucket', owner, bucketOwner: owner })
  const configuration = {
    ...readOwnership(ctx),
    ...readObjectLock(ctx),
    ...readConfiguration(await readDocument(ctx), deps.region),
  }
  if (configuration.ownership !== undefined) assertPrivateForOwner(configuration.ownership, acl ?? 'private')
  await create(bucket, { owner, ...(acl && { acl }), configuration }, deps)
  answerEmpty(ctx, 200, { location: `/${bucket}`, 'x-amz-bucket-arn': arnOf(bucket) })
}

/** Object lock needs versions. */
const readObjectLock = ({ headers }: S3Context): Pick<BucketConfiguration, 'objectLock' | 'versioning'> =>
  headers.get('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true'
    ? { objectLock: {}, versioning: 'Enabled' }
    : {}

function readOwnership({ headers }: S3Context): Pick<BucketConfiguration, 'ownership'> {
  const text = headers.get('x-amz-object-ownership')
  if (text === undefined) return {}
  const ownership = objectOwnership(text)
  if (ownership !== undefined) return { ownership }
  throw new StorageError('InvalidArgument', {
    message: 'Invalid x-amz-object-ownership header',
    details: { ArgumentName: 'x-amz-object-ownership', ArgumentValue: text.slice(0, 80) },
  })
}

async function create(
  bucket: string,
  o: Parameters<OperationDeps['store']['createBucket']>[1],
  deps: OperationDeps,
): Promise<void> {
  try {
    await deps.store.createBucket(bucket, o)
  } catch (error) {
    // In us-east-1, creating a bucket that one already owns succeeds if it would be identical.
    if (!isStorageError(error, 'BucketAlreadyOwnedByYou') || deps.region !== 'us-east-1') throw error
    const there = await deps.store.headBucket(bucket)
    if (!isDeepStrictEqual(there.acl, o.acl ?? 'private')) {
      throw new StorageError('BucketAlreadyExists', { message: 'You already own this bucket with another ACL.' })
    }
  }
}

/** Parses the tags of a new bucket. Its location must be the region of the endpoint. */
function readConfiguration(body: Buffer, region: string): Pick<BucketConfiguration, 'tags'> {
  if (body.length === 0) return {}
  const document = parseXml(body, 'CreateBucketConfiguration').allow({
    once: ['LocationConstraint', 'Location', 'Bucket', 'Tags'],
  })
  const location = document.textOf('LocationConstraint')?.trim()
  if (location && location !== region) {
    throw new S3Error(
      'IllegalLocationConstraintException',
      `The location constraint does not match this endpoint's region, ${region}.`,
    )
  }
  for (const name of ['Location', 'Bucket']) {
    if (document.child(name)) throw new S3Error('NotImplemented', `${name} of a bucket is not implemented.`)
  }
  const tagSet = document.child('Tags')?.allow({ many: ['Tag'] })
  const tags = readTags(tagSet?.children('Tag') ?? [])
  return Object.keys(tags).length === 0 ? {} : { tags }
}
