/** Checks the configured bucket. The driver never creates or changes it. */
import type { StorageDriver } from '../driver.ts'
import { isStorageError, StorageError } from '../../errors.ts'
import { cannedAcl } from './canned-acl.ts'
import type { RunOptions } from './connection.ts'
import { writeCheckKey } from './bucket-keys.ts'
import type { S3Deps } from './s3-deps.ts'
import { gatewayBucket } from '../gateway-bucket.ts'

/** Milliseconds for which a result is reused, because several callers check. */
const readyFor = 1_000

export function bucketStore({
  settings,
  connection,
  keys,
}: S3Deps): Pick<StorageDriver, 'checkReady' | 'headBucket' | 'setObjectAcl'> {
  const { bucket } = settings
  const ask = (o: RunOptions = {}) =>
    connection.run(
      { operation: 'headBucket', ref: { bucket } },
      (s3, _sdk, abortSignal) => s3.headBucket({ Bucket: bucket }, { abortSignal }),
      o,
    )
  const write = () => {
    const Body = Buffer.from('Written by Postern at startup to check that the bucket accepts writes.\n')
    const input = { Bucket: bucket, Key: keys.prefix(writeCheckKey), Body, ContentLength: Body.length }
    const failed = { operation: 'putObject', ref: { bucket, key: writeCheckKey } }
    return connection.run(failed, (s3, _sdk, abortSignal) => s3.putObject(input, { abortSignal }), { isProbe: true })
  }
  const info = gatewayBucket(bucket)
  const asked = new Map<boolean, { at: number; answer: Promise<void> }>()
  let hasWritten = false

  async function look(byWriting: boolean): Promise<void> {
    try {
      await ask({ isProbe: true })
      if (!byWriting || hasWritten) return
      await write()
      hasWritten = true
    } catch (cause) {
      throw whatToDo(settings, cause)
    }
  }

  return {
    async headBucket(name) {
      keys.assertBucket(name)
      await ask()
      return info
    },

    async setObjectAcl(ref, acl) {
      const input = { Bucket: ref.bucket, Key: keys.of(ref), ACL: cannedAcl(acl) }
      const failed = { operation: 'setObjectAcl', ref }
      await connection.run(failed, (s3, _sdk, abortSignal) => s3.putObjectAcl(input, { abortSignal }))
    },

    async checkReady({ byWriting = false } = {}) {
      const now = performance.now()
      const before = asked.get(byWriting)
      const current = before && now - before.at <= readyFor ? before : { at: now, answer: look(byWriting) }
      asked.set(byWriting, current)
      await current.answer
    },
  }
}

/** Messages for the operator. They name the setting or the permission to fix. */
function whatToDo({ bucket, endpoint, region }: S3Deps['settings'], cause: unknown): unknown {
  const at = endpoint === null ? `in ${region}` : `at ${endpoint}`
  const because = (message: string): StorageError =>
    new StorageError('Unavailable', { message, cause, resource: `/${bucket}` })
  if (isStorageError(cause, 'NoSuchBucket')) {
    return because(`There is no bucket ${bucket} ${at}. Create it, or correct storage.bucket and storage.s3.endpoint.`)
  }
  if (isStorageError(cause, 'AccessDenied')) {
    return because(
      `The bucket ${bucket} ${at} refuses these credentials. Allow them s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject.`,
    )
  }
  if (isStorageError(cause, 'InsufficientStorage')) return cause
  if (isWithoutCredentials(cause)) return cause
  return isStorageError(cause, 'Unavailable')
    ? because(`The bucket ${bucket} ${at} cannot be used: ${cause.message}. Run postern doctor`)
    : because(`The bucket ${bucket} ${at} cannot be used. Run postern doctor`)
}

/** The message of this error names the settings. */
const isWithoutCredentials = (error: unknown): boolean =>
  error instanceof Error && error.cause instanceof Error && error.cause.name === 'CredentialsProviderError'
