/** Deletions and tags. */
import { createHash } from 'node:crypto'
import type { DeleteObjectsCommandOutput } from '@aws-sdk/client-s3'
import type { DeleteResult, ObjectRef, ObjectStore, OfVersion } from '../driver.ts'
import { isStorageError, StorageError } from '../../errors.ts'
import { changeRequest } from './connection.ts'
import { present } from './object-head.ts'
import { assertTags } from '../rules.ts'
import type { S3Deps } from './s3-deps.ts'

export type ObjectChanges = Pick<ObjectStore, 'deleteObject' | 'deleteObjects' | 'getObjectTags' | 'putObjectTags'>

export function objectChanges({ connection, keys }: S3Deps): ObjectChanges {
  const target = (ref: ObjectRef) => ({ Bucket: ref.bucket, Key: keys.of(ref) })
  const version = (ref: ObjectRef, o: OfVersion = {}) => ({ ...target(ref), ...present({ VersionId: o.versionId }) })

  const deleteObject: ObjectChanges['deleteObject'] = async (ref, o = {}) => {
    // Most stores ignore the header and would delete the object unconditionally.
    if (o.ifMatch !== undefined)
      throw new StorageError('NotSupported', { message: 'The s3 driver does not support conditional deletes.' })
    const input = { ...target(ref), ...present({ VersionId: o.versionId }) }
    try {
      const failed = { operation: 'deleteObject', ref }
      const deleted = await connection.run(
        failed,
        (s3, _sdk, abortSignal) => s3.deleteObject(input, { abortSignal }),
        o,
      )
      return present({ versionId: deleted.VersionId, deleteMarker: deleted.DeleteMarker })
    } catch (e) {
      // Google's store responds with 404, S3 with 204.
      if (!isStorageError(e, 'NotFound')) throw e
      return {}
    }
  }

  async function deleteSingly(bucket: string, names: readonly string[]): Promise<DeleteResult[]> {
    const results: DeleteResult[] = []
    for (const key of names) {
      const error = await deleteObject({ bucket, key }).then(
        () => undefined,
        (e: unknown) => deleteError(isStorageError(e, 'AccessDenied') ? 'AccessDenied' : 'Internal'),
      )
      results.push({ key, ...present({ error }) })
    }
    return results
  }

  return {
    deleteObject,

    async deleteObjects(bucket, names) {
      if (names.length > 1000)
        throw new StorageError('InvalidRequest', { message: 'A request can delete at most 1000 keys.' })
      const objects = names.map((key) => ({ Key: keys.of({ bucket, key }) }))
      if (objects.length === 0) return []
      const input = { Bucket: bucket, Delete: { Objects: objects, Quiet: false } }
      try {
        const failed = { operation: 'deleteObjects', ref: { bucket } }
        return deleteResults(
          names,
          await connection.run(failed, (s3, sdk, abortSignal) =>
            s3.send(changeRequest(new sdk.DeleteObjectsCommand(input), checksumAsMd5), { abortSignal }),
          ),
          keys.strip,
        )
      } catch (e) {
        if (!isStorageError(e, 'NotSupported')) throw e
        return deleteSingly(bucket, names)
      }
    },

    async getObjectTags(ref, o) {
      try {
        const answer = await connection.run({ operation: 'getObjectTags', ref }, (s3, _sdk, abortSignal) =>
          s3.getObjectTagging(version(ref, o), { abortSignal }),
        )
        return Object.fromEntries((answer.TagSet ?? []).map(({ Key, Value }) => [Key!, Value ?? '']))
      } catch (e) {
        if (isStorageError(e, 'NoSuchTagSet')) return {}
        throw e
      }
    },

    async putObjectTags(ref, tags, o) {
      assertTags(tags)
      const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
      const failed = { operation: 'putObjectTags', ref }
      await connection.run(failed, (s3, _sdk, abortSignal) =>
        TagSet.length === 0
          ? s3.deleteObjectTagging(version(ref, o), { abortSignal })
          : s3.putObjectTagging({ ...version(ref, o), Tagging: { TagSet } }, { abortSignal }),
      )
    },
  }
}

/** The SDK sends a CRC32 of the list. Every store supports Content-MD5. */
function checksumAsMd5(request: { headers: Record<string, string>; body?: unknown }): void {
  for (const name of Object.keys(request.headers)) {
    if (/^x-amz-(checksum-|sdk-checksum-)/i.test(name)) delete request.headers[name]
  }
  request.headers['content-md5'] = createHash('md5')
    .update(request.body as string)
    .digest('base64')
}

function deleteResults(
  names: readonly string[],
  answer: DeleteObjectsCommandOutput,
  strip: (storeKey: string) => string,
): DeleteResult[] {
  const failed = new Map((answer.Errors ?? []).map(({ Key, Code }) => [strip(Key ?? ''), Code]))
  return names.map((key) => {
    const code = failed.get(key)
    if (code === undefined || code === 'NoSuchKey') return { key }
    return { key, error: deleteError(code === 'AccessDenied' ? 'AccessDenied' : 'Internal') }
  })
}

const deleteError = (code: 'AccessDenied' | 'Internal') => ({
  code,
  message: code === 'AccessDenied' ? 'Access Denied' : 'The bucket could not delete the object. Retry.',
})
