/**
 * The S3 driver: one bucket of AWS S3 or of an S3-compatible store. `presets.ts` has the capabilities of each store,
 * and `aws-error.ts` translates errors.
 */
import { completeStore } from '../complete-driver.ts'
import type { Capability, StorageDriver } from '../driver.ts'
import { bucketStore } from './bucket.ts'
import { completeMultipart } from './complete-multipart.ts'
import { createConnection } from './connection.ts'
import { copies } from './copy-object.ts'
import { storeKeys } from './bucket-keys.ts'
import { listings } from './list-objects.ts'
import { multipartUploads } from './multipart.ts'
import { objectChanges } from './object-changes.ts'
import { presigner } from './presigner.ts'
import { postPresigner } from './presign-post.ts'
import { readObject } from './read-object.ts'
import { limits } from '../rules.ts'
import type { S3Deps } from './s3-deps.ts'
import { resolveSettings, type S3DriverOptions } from './settings.ts'
import { writeObject } from './write-object.ts'

export { publicOrigin, type S3DriverOptions } from './settings.ts'

/** Bytes: the maximum of one CopyObject, and the part size of larger copies. */
const copySizes = { atOnce: limits.maxPutSize, part: 512 * 1024 * 1024 }

/**
 * Does not call the store, only `checkReady` does. Errors: InvalidArgument for conflicting settings. `copySizes` is for
 * tests, which cannot copy 5 GiB.
 */
export async function createS3Driver(o: S3DriverOptions & { copySizes?: typeof copySizes }): Promise<StorageDriver> {
  const settings = resolveSettings(o)
  const deps: S3Deps = { settings, connection: createConnection(settings), keys: storeKeys(settings) }
  const reads = readObject(deps)
  const changes = objectChanges(deps)
  const lists = listings(deps)
  const multipart = multipartUploads(deps)
  const completeMultipartUpload = completeMultipart({ ...deps, ...reads, ...lists })
  const writes = { ...deps, ...multipart, ...changes, completeMultipartUpload }
  const copy = copies({ ...writes, ...reads, ...lists, copySizes: o.copySizes ?? copySizes })

  const driver = {
    name: 's3',
    capabilities: new Set<Capability>([
      ...settings.preset.capabilities,
      ...(settings.publicBaseUrl === null ? [] : (['serves-public'] as const)),
    ]),
    limits,
    ...reads,
    ...changes,
    ...lists,
    ...copy,
    ...bucketStore(deps),
    ...presigner(deps),
    ...postPresigner(deps),
    putObject: writeObject(writes),
    createMultipartUpload: multipart.createMultipartUpload,
    uploadPart: multipart.uploadPart,
    abortMultipartUpload: multipart.abortMultipartUpload,
    completeMultipartUpload,
    close: async () => deps.connection.close(),
  }
  // Parts of an object are not listed. Many stores handle GetObjectAttributes as GetObject and would send the whole
  // object.
  return completeStore(driver, { bucket: settings.bucket, log: settings.log })
}
