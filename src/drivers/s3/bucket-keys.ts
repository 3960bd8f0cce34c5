/** Between our keys and the bucket's: the configured prefix, and the keys that no store is asked for. */
import type { ObjectRef } from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { encodePath } from '../../sigv4/encode.ts'
import { assertKey, assertKeySize } from '../rules.ts'
import type { S3Settings } from './settings.ts'

/** The one key that the check at the start overwrites, below `storage.s3.prefix`. Listings leave it out. */
export const writeCheckKey = 'postern-write-check'

export type StoreKeys = {
  /** The key in the bucket. Errors: NoSuchBucket, InvalidKey, KeyTooLong. */
  of(ref: ObjectRef): string
  /** The beginning of keys in the bucket; any text, also an empty one. */
  prefix(prefix: string | undefined): string
  /** Our key for one of the bucket's. */
  strip(storeKey: string): string
  /** Errors: NoSuchBucket for any other than the configured one. */
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

/** `x-amz-copy-source`: bucket and key, percent-encoded, so that a `?` in the key is no version. */
export const copySource = (bucket: string, storeKey: string, versionId?: string): string =>
  encodePath(`${bucket}/${storeKey}`) + (versionId === undefined ? '' : `?versionId=${encodeURIComponent(versionId)}`)
