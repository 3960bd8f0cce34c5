/**
 * The storage driver port. Services, the JSON API and the objects endpoint import only this file. A driver implements
 * `DriverCore`, and the parts of `DriverOptions` that its store can do better than `complete-driver.ts`.
 *
 * Obligations of every driver, each tested by `test/conformance/driver-suite.ts`:
 * - It rejects a constraint that it cannot enforce with `NotSupported`, and never drops one.
 * - When a write resolves, it is durable and every later call can read it.
 * - It translates foreign errors to `StorageError`, with the original as `cause`.
 * - Its limits are those of S3, so that code that works locally also works with a bucket.
 */
import type { Readable } from 'node:stream'
import type {
  BodyExpectation,
  Acl,
  Checksum,
  ChecksumAlgorithm,
  ChecksumType,
  CopiedObject,
  CopyOptions,
  DeletedObject,
  DeleteResult,
  GetOptions,
  HeadOptions,
  JoinedObject,
  LockChange,
  ListOptions,
  ListVersionsOptions,
  ObjectHead,
  ObjectHeaders,
  ObjectLock,
  ObjectNote,
  ObjectPage,
  ObjectPartPage,
  ObjectRef,
  OfVersion,
  PutOptions,
  ReadConditions,
  RetentionMode,
  SealOptions,
  SealedObject,
  StoredObject,
  VersionPage,
  WriteConditions,
  WrittenObject,
} from './objects.ts'
import type { LifecycleRule } from './lifecycle.ts'
import type { Presigner } from './presigning.ts'

export type * from './objects.ts'
export type * from './lifecycle.ts'
export type * from './presigning.ts'
export type * from './verify-problems.ts'
export { nextExpiry } from './lifecycle.ts'
export { checksumAlgorithms, checksumBytes } from './objects.ts'

export interface ObjectStore {
  /**
   * Errors: NotFound, NoSuchBucket, NoSuchVersion, IsDeleteMarker (only with `versionId`), PreconditionFailed,
   * NotModified, InvalidRange (no such part).
   */
  headObject(ref: ObjectRef, o?: HeadOptions): Promise<ObjectHead>
  /** Errors: those of headObject, and InvalidRange. */
  getObject(ref: ObjectRef, o?: GetOptions): Promise<StoredObject>
  /**
   * Reads the body to its end or destroys it. Leaves an HTTP request paused instead, because destroying it would also
   * destroy the response. Errors: those of BodyExpectation and WriteConditions, EntityTooLarge, InsufficientStorage.
   */
  putObject(ref: ObjectRef, body: Readable, o?: PutOptions): Promise<WrittenObject>
  copyObject(source: ObjectRef, target: ObjectRef, o?: CopyOptions & WriteConditions): Promise<CopiedObject>
  /**
   * Succeeds if there is no such object or version. In a bucket with versioning, it deletes nothing without
   * `versionId`, and creates a delete marker. `ifMatch` deletes only the object with this ETag. `bypassGovernance` also
   * deletes a version under a retention of the mode GOVERNANCE. Errors: PreconditionFailed, AccessDenied for a locked
   * version.
   */
  deleteObject(
    ref: ObjectRef,
    o?: { versionId?: string; ifMatch?: string; bypassGovernance?: boolean; signal?: AbortSignal },
  ): Promise<DeletedObject>
  /** At most 1000 keys, in one transaction if the store supports it. */
  deleteObjects(bucket: string, keys: readonly string[]): Promise<DeleteResult[]>
  listObjects(o: ListOptions): Promise<ObjectPage>
  /** All versions and delete markers, ordered by key. The versions of a key are ordered newest first. */
  listObjectVersions(o: ListVersionsOptions): Promise<VersionPage>
  /**
   * Ordered by part number. Empty if the object was not uploaded in parts. Errors: those of headObject, NotSupported.
   */
  listObjectParts(
    ref: ObjectRef,
    o?: HeadOptions & { maxParts?: number; partNumberMarker?: number },
  ): Promise<ObjectPartPage>
  /** Errors: those of headObject. */
  getObjectTags(ref: ObjectRef, o?: OfVersion): Promise<Record<string, string>>
  /** Errors: those of headObject, InvalidRequest without an object lock of the bucket, AccessDenied. */
  setObjectLock(ref: ObjectRef, change: LockChange, o?: OfVersion): Promise<void>
  putObjectTags(ref: ObjectRef, tags: Record<string, string>, o?: OfVersion): Promise<void>
  /**
   * Makes the bytes that were verified under `etag` immutable. From then on, `ref` and `versionId` of the result refer
   * to these bytes or to nothing, even if a client writes with an earlier URL. On disk, the row is sealed and further
   * writes to the key are `AccessDenied`. In a bucket, the driver copies the object to `to`. This can be its own key if
   * no URL can write to it any more. Without `headers`, a bucket with versioning pins the version instead.
   */
  sealObject(ref: ObjectRef, o: SealOptions): Promise<SealedObject>
  /** Whether a write to this key is in flight in this process or in another worker. False if the store cannot know. */
  isBeingWritten(ref: ObjectRef): boolean | Promise<boolean>
  /** Replaces the note of a sealed object. Does nothing if there is no such object. Only for stores that keep notes. */
  noteObject?(ref: ObjectRef, note: ObjectNote): Promise<void>
  /** Whether a sealed object has no note. */
  lacksNotes?(): boolean
}

export type PartInfo = {
  partNumber: number
  etag: string
  contentLength: number
  lastModified: Date
  checksum?: Checksum
}
export type MultipartInfo = {
  key: string
  uploadId: string
  initiated: Date
  /** An owner of access keys. */
  initiator?: string
  storageClass?: string
  checksumAlgorithm?: ChecksumAlgorithm
  checksumType?: ChecksumType
}

/** Who began a multipart upload, and what the request said. */
export type Initiation = {
  /** An owner of access keys. null: a requester without a key. */
  initiator: string | null
  /** The headers that bucket policies compare. They hold for all requests of the upload. Names in lower case. */
  headers: Record<string, string>
}

export interface MultipartStore {
  createMultipartUpload(
    ref: ObjectRef,
    o?: ObjectHeaders & {
      acl?: Acl
      lock?: ObjectLock
      tags?: Record<string, string>
      checksumAlgorithm?: ChecksumAlgorithm
      checksumType?: ChecksumType
      /** Only for drivers with `getInitiation`. */
      initiation?: Initiation
    },
  ): Promise<{ uploadId: string }>
  /**
   * Of an upload that is open or was completed lately. `initiation` is null if an older version began it. Only for
   * drivers whose buckets have several owners. Errors: NoSuchUpload.
   */
  getInitiation?(
    ref: ObjectRef,
    uploadId: string,
  ): Promise<{ initiation: Initiation | null; tags: Record<string, string> }>
  /**
   * `uploadId` is `[A-Za-z0-9_-]+` on the disk driver. A part of an upload with a COMPOSITE checksum needs that checksum.
   * Errors: NoSuchUpload, and those of putObject.
   */
  uploadPart(
    ref: ObjectRef,
    uploadId: string,
    partNumber: number,
    body: Readable,
    o?: BodyExpectation & { maxBytes?: number; signal?: AbortSignal },
  ): Promise<WrittenObject>
  uploadPartCopy(
    ref: ObjectRef,
    uploadId: string,
    partNumber: number,
    source: ObjectRef,
    o?: { range?: { start: number; end: number }; sourceConditions?: ReadConditions; sourceVersionId?: string },
  ): Promise<CopiedObject>
  /** Pages of at most 1000 parts, ascending. */
  listParts(
    ref: ObjectRef,
    uploadId: string,
    o?: { maxParts?: number; partNumberMarker?: number },
  ): Promise<{
    parts: PartInfo[]
    isTruncated: boolean
    nextPartNumberMarker?: number
    initiator?: string
    storageClass?: string
    checksumAlgorithm?: ChecksumAlgorithm
    checksumType?: ChecksumType
  }>
  /**
   * Repeatable: a second call with the same parts returns the same result. Once the parts are joined, it succeeds even
   * if another call has deleted or replaced the object since. The length is then unknown. Errors: NoSuchUpload,
   * InvalidPart, InvalidPartOrder, EntityTooSmall, InvalidRequest if `checksumType` differs from that of the upload.
   */
  completeMultipartUpload(
    ref: ObjectRef,
    uploadId: string,
    parts: readonly { partNumber: number; etag: string; checksum?: Checksum }[],
    o?: WriteConditions & { checksum?: Checksum; checksumType?: ChecksumType; contentLength?: number },
  ): Promise<JoinedObject>
  abortMultipartUpload(ref: ObjectRef, uploadId: string): Promise<void>
  /**
   * Aborts unfinished uploads outside the gateway's own bucket that have received no part since `idleSince`, or only
   * counts them. Resolves to their number. Only for drivers whose buckets have several owners.
   */
  abortIdleUploads?(o: { idleSince: Date; remove: boolean; signal?: AbortSignal }): Promise<number>
  listMultipartUploads(o: {
    bucket: string
    prefix?: string
    delimiter?: string
    maxUploads?: number
    keyMarker?: string
    uploadIdMarker?: string
  }): Promise<{
    uploads: MultipartInfo[]
    commonPrefixes: string[]
    isTruncated: boolean
    nextKeyMarker?: string
    nextUploadIdMarker?: string
  }>
}

/** Buckets of the objects endpoint. A driver with one remote bucket rejects changes with NotSupported. */
export type CorsRule = {
  id?: string
  allowedOrigins: string[]
  allowedMethods: string[]
  allowedHeaders: string[]
  exposeHeaders: string[]
  maxAgeSeconds?: number
}
export type ObjectOwnership = 'BucketOwnerEnforced' | 'BucketOwnerPreferred' | 'ObjectWriter'
export type PublicAccessBlock = {
  blockPublicAcls: boolean
  ignorePublicAcls: boolean
  blockPublicPolicy: boolean
  restrictPublicBuckets: boolean
}
/** The owner's settings other than ACL and CORS rules. An absent field is not configured. */
/**
 * `Enabled`: each new object is a new version. `Suspended`: it replaces the version `null`. Absent: there were never
 * versions.
 */
export type Versioning = 'Enabled' | 'Suspended'
export type BucketConfiguration = {
  versioning?: Versioning
  tags?: Record<string, string>
  ownership?: ObjectOwnership
  publicAccessBlock?: PublicAccessBlock
  acceleration?: 'Suspended'
  /** A bucket policy as it was sent. */
  policy?: string
  /** Present if the bucket has object lock, which cannot be switched off. */
  objectLock?: { defaultRetention?: { mode: RetentionMode; days?: number; years?: number } }
  /** Executed by the store. */
  lifecycle?: LifecycleRule[]
}
/** The fields to set. `null` removes one. */
export type BucketChange = { [Name in keyof BucketConfiguration]?: BucketConfiguration[Name] | null }
export type BucketInfo = {
  bucket: string
  owner: string
  createdAt: Date
  acl: Acl
  cors: CorsRule[] | null
  configuration: BucketConfiguration
}
/** The quota of one owner over all its buckets. null: no limit. */
export type OwnerLimits = { bytes: number | null; objects: number | null }
/** `uploads` are unfinished multipart uploads, `partBytes` the bytes of their parts. */
export type OwnerUsage = {
  owner: string
  buckets: number
  objects: number
  bytes: number
  uploads: number
  partBytes: number
}
export interface BucketStore {
  createBucket(
    bucket: string,
    o: { owner: string; acl?: Acl; configuration?: BucketConfiguration },
  ): Promise<BucketInfo>
  /** Errors: NoSuchBucket. */
  headBucket(bucket: string): Promise<BucketInfo>
  /** Errors: NoSuchBucket, BucketNotEmpty. */
  deleteBucket(bucket: string): Promise<void>
  /** In byte order of the name. */
  listBuckets(o: { owner: string; prefix?: string; after?: string; max?: number }): Promise<BucketInfo[]>
  /** `null` removes the configuration. */
  setBucketCors(bucket: string, cors: CorsRule[] | null): Promise<void>
  setBucketAcl(bucket: string, acl: Acl): Promise<void>
  /** Leaves other fields as they are. Errors: NoSuchBucket, InvalidTag, InvalidBucketState. */
  configureBucket(bucket: string, change: BucketChange): Promise<void>
  /** Errors: NotFound, NoSuchVersion, IsDeleteMarker. */
  setObjectAcl(ref: ObjectRef, acl: Acl, o?: OfVersion): Promise<void>
  /** The usage of every owner of a bucket. Only for drivers whose buckets have several owners. */
  usageOfOwners?(): Promise<OwnerUsage[]>
}

export type Capability =
  | 'presign-post'
  | 'signed-length'
  | 'signed-checksum'
  | 'conditional-put'
  | 'unequal-parts'
  /** Presigned reads can carry the id of a share link, and are refused once the link is revoked. */
  | 'revocable-reads'
  /** `sealObject` seals the object at its own key. Without it, the sealed object is a copy. */
  | 'seals-in-place'
  /** The store itself serves `publicUrl`, so anyone can read an object there before it is verified. */
  | 'serves-public'

/** Progress and findings of the scrub. `blobs` and `bytes` count the current pass. */
export type ScrubStatus = {
  damagedBlobs: number
  blobs: number
  bytes: number
  /** Finished passes. */
  passes: number
  passStartedAt: Date | null
  lastPassAt: Date | null
}

/** How many orphans a run may delete or move without an explicit number. More suggest a lost index or catalog. */
export const orphanLimit = (outOf: number): number => Math.max(100, Math.floor(outOf / 100))

/** Snapshots of the whole store, kept until the driver closes. */
export interface DriverSnapshots {
  take(id: string): Promise<void>
  /** False if there is no snapshot with this id. */
  restore(id: string): Promise<boolean>
}

/** A moment in the history that the catalog and a store share. `mark` is random, so that two histories differ. */
export type Generation = { number: number; mark: string }
/** `announced` is the generation that the store enters next. It equals `current` except during a change. */
export type CatalogGeneration = { current: Generation; announced: Generation }

/** Whether a catalog and a store belong together. */
export type Fit = 'fits' | 'catalog is older' | 'store is older' | 'not of one history'

/** What a store records about the catalog that it was last used with. */
export interface PairedStore {
  /** null if no catalog is recorded. */
  generation(): Generation | null
  fit(catalog: CatalogGeneration): Fit
  /** The number must not decrease. */
  enterGeneration(generation: Generation): Promise<void>
}

/** What the gateway needs to know of a store before it uses it. */
export interface DriverBase {
  /** The name of the registration (`storage.driver`). Each file's record contains it. */
  readonly name: string
  readonly capabilities: ReadonlySet<Capability>
  /** Bytes, parts and seconds. */
  readonly limits: { minPartSize: number; maxParts: number; maxPutSize: number; maxExpiresIn: number }
  /**
   * Resolves if the store can accept a write now. Errors: `Unavailable` or `InsufficientStorage`, with the reason.
   * `byWriting` proves it with a small write that no listing shows. The disk driver writes each time. The s3 driver
   * overwrites one fixed key until a write has succeeded, because a bucket charges for writes and may keep every
   * version.
   */
  checkReady(o?: { byWriting?: boolean }): Promise<void>
  close(): Promise<void>
}

/** What every driver implements. `complete-driver.ts` adds the rest on top of it. */
export interface DriverCore
  extends
    DriverBase,
    Pick<ObjectStore, 'headObject' | 'getObject' | 'putObject' | 'copyObject' | 'deleteObject' | 'listObjects'>,
    Omit<MultipartStore, 'uploadPartCopy'> {}

/**
 * What a driver may add: methods of the complete interface, alone or in sets. Each comment says what happens without
 * it.
 */
export interface DriverOptions
  // The keys of one call are deleted one by one.
  extends
    Pick<ObjectStore, 'deleteObjects'>,
    // Parts are read and sent again.
    Pick<MultipartStore, 'uploadPartCopy'>,
    // Objects have no tags, and writing tags is refused.
    Pick<ObjectStore, 'getObjectTags' | 'putObjectTags'>,
    // Refused.
    Pick<ObjectStore, 'setObjectLock'>,
    // Every object is listed as the version `null`.
    Pick<ObjectStore, 'listObjectVersions'>,
    // Refused.
    Pick<ObjectStore, 'listObjectParts'>,
    // The sealed object is a copy. With the capability `seals-in-place` it is the object itself.
    Pick<ObjectStore, 'sealObject'>,
    // `postern rebuild-catalog` cannot restore the records of files.
    Pick<ObjectStore, 'noteObject' | 'lacksNotes'>,
    // Every write counts as finished, unless it passes through the objects endpoint.
    Pick<ObjectStore, 'isBeingWritten'>,
    // There is one bucket, which cannot be changed.
    BucketStore,
    // The objects endpoint serves the store, and the gateway signs the URLs.
    Presigner,
    DriverUpkeep {}

export type Driver = DriverCore & Partial<DriverOptions>

/** Maintenance of a store by this process. */
export interface DriverUpkeep {
  /** Identifies the store for as long as it exists. Absent if the store has no such id. */
  readonly storeId?: string
  /** Absent if the store cannot recognise an older catalog. */
  readonly paired?: PairedStore
  /**
   * Deletes abandoned temporary files and garbage, and moves orphaned blobs to quarantine. Resolves to the number of
   * files deleted or moved.
   */
  sweep(): Promise<{ removed: number }>
  /** null if no scrub runs here, because the store has its own or it is switched off. */
  scrubStatus?(): ScrubStatus | null
  /** Only for stores that can return to an earlier state. */
  /** Executes the lifecycle rules of all buckets now. Without it the store executes them itself. */
  runLifecycle?(): Promise<void>
  snapshots?: DriverSnapshots
}

/** The complete interface that services and the objects endpoint use. */
export interface StorageDriver extends DriverBase, ObjectStore, MultipartStore, Presigner, BucketStore, DriverUpkeep {}
