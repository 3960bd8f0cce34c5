/** The one bucket that is there, and whether it can be used. It is made and changed by whoever owns the account. */
import type { BucketInfo, BucketStore, StorageDriver } from '../driver.ts'
import { isStorageError, StorageError } from '../../errors.ts'
import type { S3Deps } from './s3-deps.ts'

/** Milliseconds for which the store's last word counts: health checks come often, from several sides. */
const readyFor = 5_000
const owner = 'postern'

export function bucketStore({ settings, connection, keys }: S3Deps): BucketStore & Pick<StorageDriver, 'checkReady'> {
  const { bucket } = settings
  const ask = () =>
    connection.run({ operation: 'headBucket', ref: { bucket } }, (s3) => s3.headBucket({ Bucket: bucket }))
  // HeadBucket tells no date, and ListBuckets, which does, asks for a permission that nothing else needs.
  const info: BucketInfo = { bucket, owner, createdAt: new Date(0), acl: 'private', cors: null }
  let asked: { at: number; answer: Promise<void> } | undefined

  return {
    async headBucket(name) {
      keys.assertBucket(name)
      await ask()
      return info
    },

    async listBuckets({ owner: of, prefix = '', after = '', max = 1000 }) {
      return of === owner && bucket.startsWith(prefix) && bucket > after && max > 0 ? [info] : []
    },

    createBucket: () => unchangeable('created'),
    deleteBucket: () => unchangeable('deleted'),
    setBucketCors: () => unchangeable('changed'),
    setBucketAcl: () => unchangeable('changed'),
    async setObjectAcl(ref, acl) {
      const input = { Bucket: ref.bucket, Key: keys.of(ref), ACL: acl }
      await connection.run({ operation: 'setObjectAcl', ref }, (s3) => s3.putObjectAcl(input))
    },

    async checkReady() {
      const now = performance.now()
      if (!asked || now - asked.at > readyFor) asked = { at: now, answer: ask().then(() => {}, whatToDo(settings)) }
      await asked.answer
    },
  }
}

async function unchangeable(what: string): Promise<never> {
  throw new StorageError('NotSupported', { message: `With the s3 driver buckets are ${what} at the store, not here` })
}

/** For whoever runs the server: these messages name the setting or the permission that is wrong. */
const whatToDo =
  ({ bucket, endpoint, region }: S3Deps['settings']) =>
  (cause: unknown): never => {
    const at = endpoint === null ? `in ${region}` : `at ${endpoint}`
    const fail = (message: string): never => {
      throw new StorageError('Unavailable', { message, cause, resource: `/${bucket}` })
    }
    if (isStorageError(cause, 'NoSuchBucket')) {
      fail(`There is no bucket ${bucket} ${at}: create it, or correct storage.bucket and storage.s3.endpoint`)
    }
    if (isStorageError(cause, 'AccessDenied')) {
      fail(
        `The bucket ${bucket} ${at} refuses these credentials: allow them s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject`,
      )
    }
    throw isStorageError(cause, 'Unavailable') ? cause : fail(`The bucket ${bucket} ${at} cannot be used`)
  }
