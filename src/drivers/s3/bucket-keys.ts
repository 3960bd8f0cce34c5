/** Maps the driver's keys to the bucket's: adds the configured prefix, and rejects invalid keys. */
import type { ObjectRef } from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { encodePath } from '../../sigv4/encode.ts'
import { assertKey, assertKeySize } from '../rules.ts'
import type { S3Settings } from './settings.ts'

/** The key that the startup check overwrites, below `storage.s3.prefix`. Listings leave it out. */
export const writeCheckKey = 'postern-write-check'

export type StoreKeys = {
  /** The key in the bucket. Errors: NoSuchBucket, InvalidKey, KeyTooLong. */
  of(ref: ObjectRef): string
  /** The prefix in the bucket for this prefix. Any text, also an empty one. */
  prefix(prefix: string | undefined): string
  /** The driver's key for a key in the bucket. */
  strip(storeKey: string): string
  /** Errors: NoSuchBucket unless it is the configured bucket. */
  assertBucket(bucket: string): void
}

export function storeKeys(settings: Pick<S3Settings, 'bucket' | 'prefix'>): StoreKeys {
  const assertBucket = (bucket: string) => {
    if (bucket !== settings.bucket) throw new StorageError('NoSuchBucket', { resource: `/${bucket}` })
  }
  return {
    of(ref) {
      assertBucket(ref.bucket)
      const key = settings.prefix + ref.key
      assertKey(ref)
      assertKeySize(key)
      return key
    },
    prefix: (prefix = '') => settings.prefix + prefix,
    strip: (storeKey) => storeKey.slice(settings.prefix.length),
    assertBucket,
  }
}

/** `x-amz-copy-source`: bucket and key, percent-encoded. A `?` in the key does not start a version id. */
export const copySource = (bucket: string, storeKey: string, versionId?: string): string =>
  encodePath(`${bucket}/${storeKey}`) + (versionId === undefined ? '' : `?versionId=${encodeURIComponent(versionId)}`)
