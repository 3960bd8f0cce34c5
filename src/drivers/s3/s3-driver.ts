/**
 * The S3 driver: one bucket of AWS S3, or of a store that speaks its protocol. Files are one per concern; `presets.ts`
 * tells what each store can do and `aws-error.ts` is where its errors become ours.
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
  // Parts of an object are not listed: many stores take a GetObjectAttributes for a GetObject, and would send all of it.
  return completeStore(driver, { bucket: settings.bucket, log: settings.log })
}
