/**
 * The S3 driver: one bucket of AWS S3, or of a store that speaks its protocol. Files are one per concern; `presets.ts`
 * tells what each store can do and `aws-error.ts` is where its errors become ours.
 */
import { StorageError } from '../../errors.ts'
import type { StorageDriver } from '../driver.ts'
import { bucketStore } from './bucket.ts'
import { completeMultipart } from './complete-multipart.ts'
import { createConnection } from './connection.ts'
import { copies } from './copy-object.ts'
import { storeKeys } from './keys.ts'
import { listings } from './list-objects.ts'
import { multipartUploads } from './multipart.ts'
import { objectChanges } from './object-changes.ts'
import { presigner } from './presigner.ts'
import { postPresigner } from './presign-post.ts'
import { readObject } from './read-object.ts'
import { limits } from '../rules.ts'
import type { S3Deps } from './s3-deps.ts'
import { sealObject } from './seal-object.ts'
import { resolveSettings, type S3DriverOptions } from './settings.ts'
import { writeObject } from './write-object.ts'

export { publicOrigin, type S3DriverOptions } from './settings.ts'

/** What one CopyObject takes, and the part size of copies above it. */
const copySizes = { atOnce: limits.maxPutSize, part: 512 * 1024 * 1024 }

/**
 * Asks nothing of the store: `checkReady` does. Errors: InvalidArgument for settings that do not go together.
 * `copySizes` is for tests, which have no 5 GiB to copy.
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

  return {
    name: 's3',
    capabilities: new Set(settings.preset.capabilities),
    limits,
    ...reads,
    ...changes,
    ...lists,
    ...copy,
    ...bucketStore(deps),
    ...presigner(deps),
    ...postPresigner(deps),
    // Many stores take a GetObjectAttributes for a GetObject, and would send the whole object.
    listObjectParts: async () => {
      throw new StorageError('NotSupported', { message: 'The bucket is not asked for the parts of an object' })
    },
    putObject: writeObject(writes),
    sealObject: sealObject({ ...reads, ...changes, ...copy, log: settings.log }),
    createMultipartUpload: multipart.createMultipartUpload,
    uploadPart: multipart.uploadPart,
    abortMultipartUpload: multipart.abortMultipartUpload,
    completeMultipartUpload,
    /** Bytes go to the bucket past this process. */
    isBeingWritten: () => false,
    /** Unfinished multipart uploads are the catalog's to end; a store leaves nothing else behind. */
    sweep: async () => ({ removed: 0 }),
    close: async () => deps.connection.close(),
  }
}
