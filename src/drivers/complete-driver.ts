/**
 * Completes a driver that implements only the core. Missing methods use the core where possible, and reject with
 * `NotSupported` otherwise. Services and the objects endpoint therefore use one interface.
 */
import { isStorageError, StorageError } from '../errors.ts'
import { gatewayOwner } from '../gateway-names.ts'
import { checkSourceConditions } from './conditions.ts'
import type { Driver, DriverCore, MultipartStore, ObjectStore, StorageDriver } from './driver.ts'
import { createPostPresigner } from './endpoint/post-presigner.ts'
import { createPresigner, type PresignerOptions } from './endpoint/presigner.ts'
import { gatewayBucket } from './gateway-bucket.ts'
import { alone, type Peers } from './peers.ts'
import { createProxiedDriver } from './proxied/proxied-driver.ts'
import { assertTags } from './rules.ts'
import { sealByCopy } from './seal-by-copy.ts'

type Options = {
  /** The only bucket of a driver without a bucket store. */
  bucket: string
  log: { warn(facts: object, message: string): void }
}

/** Completes everything except presigning. */
export function completeStore<D extends DriverCore>(driver: D, { bucket, log }: Options): Completed<D> {
  return {
    ...oneBucket(driver.name, bucket),
    ...batches(driver),
    ...partCopies(driver),
    sealObject: sealByCopy({ ...driver, log }),
    listObjectVersions: oneVersionEach(driver),
    setObjectLock: () => unsupported(`The ${driver.name} driver does not support object lock`),
    listObjectParts: () => unsupported(`The ${driver.name} driver does not list the parts of an object`),
    getObjectTags: async (ref) => (await driver.headObject(ref), {}),
    async putObjectTags(_ref, tags) {
      assertTags(tags)
      return unsupported(`The ${driver.name} driver does not support object tags`)
    },
    /** Clients may write to the store without passing this process. */
    isBeingWritten: () => false,
    /** The collector aborts unfinished multipart uploads. */
    sweep: async () => ({ removed: 0 }),
    ...driver,
  }
}

export type Completed<D> = Omit<StorageDriver, keyof Presigning> & D
type Presigning = ReturnType<typeof createPresigner> & ReturnType<typeof createPostPresigner>

/** The objects endpoint serves a driver that does not sign URLs itself. */
export function completeDriver(
  driver: Driver,
  o: Options & { endpoint: PresignerOptions; peers?: Peers },
): StorageDriver {
  const store = completeStore(driver, o)
  if (driver.presignUpload) return store as StorageDriver
  const presigned = { ...createPresigner(o.endpoint), ...createPostPresigner(o.endpoint), ...store } as StorageDriver
  return createProxiedDriver(presigned, { ...o.endpoint, peers: o.peers ?? alone })
}

function oneBucket(name: string, bucket: string) {
  const info = gatewayBucket(bucket)
  const fixed = (what: string) =>
    unsupported(`The ${name} driver does not support this. Buckets are ${what} at the store`)
  return {
    async headBucket(asked: string) {
      if (asked !== bucket) throw new StorageError('NoSuchBucket', { resource: `/${asked}` })
      return info
    },
    async listBuckets({ owner, prefix = '', after = '', max = 1000 }: Parameters<StorageDriver['listBuckets']>[0]) {
      return owner === gatewayOwner && bucket.startsWith(prefix) && bucket > after && max > 0 ? [info] : []
    },
    createBucket: () => fixed('created'),
    deleteBucket: () => fixed('deleted'),
    setBucketCors: () => fixed('changed'),
    setBucketAcl: () => fixed('changed'),
    configureBucket: () => fixed('changed'),
    setObjectAcl: () => unsupported(`The ${name} driver does not support ACLs`),
  }
}

const batches = ({ deleteObject }: DriverCore): Pick<ObjectStore, 'deleteObjects'> => ({
  async deleteObjects(bucket, keys) {
    const results = []
    for (const key of keys) {
      try {
        await deleteObject({ bucket, key })
        results.push({ key })
      } catch (error) {
        const code = isStorageError(error, 'AccessDenied') ? 'AccessDenied' : 'Internal'
        results.push({ key, error: { code, message: (error as Error).message } as const })
      }
    }
    return results
  },
})

/** The pages of `listObjects`, in which every object is the version `null` of its key. */
const oneVersionEach =
  ({ listObjects }: DriverCore): ObjectStore['listObjectVersions'] =>
  async ({ keyMarker = '', versionIdMarker: _marker, ...o }) => {
    const page = await listObjects({ ...o, ...(keyMarker !== '' && { startAfter: keyMarker }) })
    const next = page.isTruncated ? page.nextMarker : undefined
    return {
      versions: page.objects.map((object) => ({
        ...object,
        versionId: 'null',
        isLatest: true,
        isDeleteMarker: false,
      })),
      commonPrefixes: page.commonPrefixes,
      isTruncated: page.isTruncated,
      ...(next !== undefined && { nextKeyMarker: next, nextVersionIdMarker: 'null' }),
    }
  }

const partCopies = ({ headObject, getObject, uploadPart }: DriverCore): Pick<MultipartStore, 'uploadPartCopy'> => ({
  async uploadPartCopy(ref, uploadId, partNumber, source, { range, sourceConditions = {}, sourceVersionId } = {}) {
    const ofSource = sourceVersionId === undefined ? {} : { versionId: sourceVersionId }
    const head = await headObject(source, ofSource)
    checkSourceConditions(head, sourceConditions)
    if (range && range.end >= head.contentLength) {
      throw new StorageError('InvalidArgument', {
        message: `The range is not valid for a source object of ${head.contentLength} bytes`,
      })
    }
    // Reads exactly the version whose conditions were checked.
    const object = await getObject(source, { ...ofSource, ifMatch: `"${head.etag}"`, ...(range && { range }) })
    const written = await uploadPart(ref, uploadId, partNumber, object.stream())
    return { ...written, lastModified: new Date() }
  },
})

const unsupported = async (message: string): Promise<never> => {
  throw new StorageError('NotSupported', { message })
}
