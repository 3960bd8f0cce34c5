/**
 * The storage driver port. Services, the JSON API and the objects endpoint speak to this file alone. A driver implements
 * `DriverCore`, and as much of `DriverOptions` as its store can do better than `complete-driver.ts`.
 *
 * Obligations of every driver (`test/conformance/driver-suite.ts` holds each of them):
 * - A constraint that cannot be enforced is refused with `NotSupported`, never dropped.
 * - A write that was answered is durable, and is readable by every later call.
 * - Foreign errors are translated at the driver's edge to `StorageError` and keep their cause.
 * - Limits are those of S3, so that a local run is never richer than a bucket.
 */
import type { Readable } from 'node:stream'
import type {
  BodyExpectation,
  Acl,
  Checksum,
  ChecksumAlgorithm,
  ChecksumType,
  CopyOptions,
  DeleteResult,
  GetOptions,
  HeadOptions,
  JoinedObject,
  ListOptions,
  ObjectHead,
  ObjectHeaders,
  ObjectNote,
  ObjectPage,
  ObjectPartPage,
  ObjectRef,
  PutOptions,
  ReadConditions,
  SealOptions,
  SealedObject,
  StoredObject,
  WriteConditions,
  WrittenObject,
} from './objects.ts'
import type { Presigner } from './presigning.ts'

export type * from './objects.ts'
export type * from './presigning.ts'
export type * from './problem.ts'
export { checksumAlgorithms } from './objects.ts'

export interface ObjectStore {
  /** Errors: NotFound, NoSuchBucket, PreconditionFailed, NotModified, InvalidRange (a part that is not there). */
  headObject(ref: ObjectRef, o?: HeadOptions): Promise<ObjectHead>
  /** Errors: those of headObject, and InvalidRange. */
  getObject(ref: ObjectRef, o?: GetOptions): Promise<StoredObject>
  /**
   * The body is read to its end or destroyed; an HTTP request is left paused instead, for its destruction would take the
   * answer along. Errors: see BodyExpectation and WriteConditions; EntityTooLarge, InsufficientStorage.
   */
  putObject(ref: ObjectRef, body: Readable, o?: PutOptions): Promise<WrittenObject>
  copyObject(
    source: ObjectRef,
    target: ObjectRef,
    o?: CopyOptions & WriteConditions,
  ): Promise<WrittenObject & { lastModified: Date }>
  /** Deleting what is not there succeeds. `ifMatch`: only the object with this ETag, else PreconditionFailed. */
  deleteObject(ref: ObjectRef, o?: { versionId?: string; ifMatch?: string; signal?: AbortSignal }): Promise<void>
  /** At most 1000 keys, in one transaction where the store can. */
  deleteObjects(bucket: string, keys: readonly string[]): Promise<DeleteResult[]>
  listObjects(o: ListOptions): Promise<ObjectPage>
  /** By part number; none of an object that was not made of parts. Errors: those of headObject, and NotSupported. */
  listObjectParts(
    ref: ObjectRef,
    o?: HeadOptions & { maxParts?: number; partNumberMarker?: number },
  ): Promise<ObjectPartPage>
  getObjectTags(ref: ObjectRef): Promise<Record<string, string>>
  putObjectTags(ref: ObjectRef, tags: Record<string, string>): Promise<void>
  /**
   * Freezes the bytes that were verified under `etag`: whatever is done afterwards with URLs issued before, reading
   * `ref`/`versionId` of the answer yields these bytes or nothing. Disk: the row is sealed and further writes to the
   * key are `AccessDenied`. S3: a server-side copy to `to`, which may be the key itself where no URL can write to it any
   * more. Without `headers` a bucket that keeps versions pins the version instead.
   */
  sealObject(ref: ObjectRef, o: SealOptions): Promise<SealedObject>
  /**
   * Whether a write to this key is running in this process, or in one that shares its ports. Stores that cannot tell
   * answer false.
   */
  isBeingWritten(ref: ObjectRef): boolean | Promise<boolean>
  /**
   * Replaces the note of a sealed object. Nothing happens where there is none. Only of stores that keep notes.
   */
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
  checksumAlgorithm?: ChecksumAlgorithm
  checksumType?: ChecksumType
}

export interface MultipartStore {
  createMultipartUpload(
    ref: ObjectRef,
    o?: ObjectHeaders & {
      acl?: Acl
      tags?: Record<string, string>
      checksumAlgorithm?: ChecksumAlgorithm
      checksumType?: ChecksumType
    },
  ): Promise<{ uploadId: string }>
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
    o?: { range?: { start: number; end: number }; sourceConditions?: ReadConditions },
  ): Promise<WrittenObject & { lastModified: Date }>
  /** Pages of at most 1000 parts, ascending. */
  listParts(
    ref: ObjectRef,
    uploadId: string,
    o?: { maxParts?: number; partNumberMarker?: number },
  ): Promise<{
    parts: PartInfo[]
    isTruncated: boolean
    nextPartNumberMarker?: number
    checksumAlgorithm?: ChecksumAlgorithm
    checksumType?: ChecksumType
  }>
  /**
   * Repeatable: a second call with the same parts answers as the first did. Errors: NoSuchUpload, InvalidPart,
   * InvalidPartOrder, EntityTooSmall, InvalidRequest for another `checksumType` than that of the upload. Once the parts were joined it succeeds, also where another call has deleted or
   * replaced the object since; its length is then not known.
   */
  completeMultipartUpload(
    ref: ObjectRef,
    uploadId: string,
    parts: readonly { partNumber: number; etag: string; checksum?: Checksum }[],
    o?: WriteConditions & { checksum?: Checksum; checksumType?: ChecksumType; contentLength?: number },
  ): Promise<JoinedObject>
  abortMultipartUpload(ref: ObjectRef, uploadId: string): Promise<void>
  /**
   * Aborts unfinished uploads outside of the gateway's own bucket that have had no part since a time, or only counts them.
   * Resolves to their number. Only in drivers whose buckets have several owners.
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

/** Buckets as the objects endpoint needs them. A driver in front of one remote bucket answers NotSupported to changes. */
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
/** What the owner has configured besides ACL and CORS rules. A field that is absent is not configured. */
export type BucketConfiguration = {
  tags?: Record<string, string>
  ownership?: ObjectOwnership
  publicAccessBlock?: PublicAccessBlock
  acceleration?: 'Suspended'
  /** A bucket policy as it was sent. */
  policy?: string
}
/** The fields to set; `null` removes one. */
export type BucketChange = { [Name in keyof BucketConfiguration]?: BucketConfiguration[Name] | null }
export type BucketInfo = {
  bucket: string
  owner: string
  createdAt: Date
  acl: Acl
  cors: CorsRule[] | null
  configuration: BucketConfiguration
}
/** The quota of one owner over all its buckets; null: no limit. */
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
  /** What is not named stays as it is. Errors: NoSuchBucket, InvalidTag. */
  configureBucket(bucket: string, change: BucketChange): Promise<void>
  setObjectAcl(ref: ObjectRef, acl: Acl): Promise<void>
  /** Of every owner of a bucket. Only in drivers whose buckets have several owners. */
  usageOfOwners?(): Promise<OwnerUsage[]>
}

export type Capability =
  | 'presign-post'
  | 'signed-length'
  | 'signed-checksum'
  | 'conditional-put'
  | 'unequal-parts'
  /** Presigned reads can bear the id of a link, and are refused once that is revoked. */
  | 'revocable-reads'
  /** `sealObject` freezes the object at its own key. Without it the frozen bytes are a copy. */
  | 'seals-in-place'
  /** The store itself answers `publicUrl`, so anyone may read an object there before it is verified. */
  | 'serves-public'

/** What the background check of stored bytes has found. `blobs` and `bytes` were read in the pass that is running. */
export type ScrubStatus = {
  damagedBlobs: number
  blobs: number
  bytes: number
  /** Passes that came to their end. */
  passes: number
  passStartedAt: Date | null
  lastPassAt: Date | null
}

/** Orphans that a run may remove or move without being told the number: more look like a lost index or catalog. */
export const orphanLimit = (outOf: number): number => Math.max(100, Math.floor(outOf / 100))

/** Snapshots of the whole store, kept until the driver closes. */
export interface DriverSnapshots {
  take(id: string): Promise<void>
  /** False when there is no snapshot of this id. */
  restore(id: string): Promise<boolean>
}

/** What a store has, and what the gateway asks of it before it does anything else. */
export interface DriverBase {
  /** Of the registration, `storage.driver`: kept in each file's record. */
  readonly name: string
  readonly capabilities: ReadonlySet<Capability>
  /** Bytes, parts and seconds. */
  readonly limits: { minPartSize: number; maxParts: number; maxPutSize: number; maxExpiresIn: number }
  /**
   * Resolves when the store can take a write now; else throws `Unavailable` or `InsufficientStorage` with the reason.
   * `byWriting`: proved by a small write that no list of files shows. Disk: each time. S3: until one has succeeded, at
   * one fixed key that is overwritten; a bucket keeps versions and charges for writes.
   */
  checkReady(o?: { byWriting?: boolean }): Promise<void>
  close(): Promise<void>
}

/** What every driver implements. `complete-driver.ts` does the rest with it. */
export interface DriverCore
  extends
    DriverBase,
    Pick<ObjectStore, 'headObject' | 'getObject' | 'putObject' | 'copyObject' | 'deleteObject' | 'listObjects'>,
    Omit<MultipartStore, 'uploadPartCopy'> {}

/** What a driver may implement besides: each is a method of the whole interface, or a set of them. */
export interface DriverOptions
  // Else the keys of one call are deleted one by one.
  extends
    Pick<ObjectStore, 'deleteObjects'>,
    // Else parts are read and sent again.
    Pick<MultipartStore, 'uploadPartCopy'>,
    // Else objects have none, and writing some is refused.
    Pick<ObjectStore, 'getObjectTags' | 'putObjectTags'>,
    // Else refused.
    Pick<ObjectStore, 'listObjectParts'>,
    // Else the sealed object is a copy. With `seals-in-place` it is the object itself.
    Pick<ObjectStore, 'sealObject'>,
    // Else `postern rebuild-catalog` cannot restore the records of files.
    Pick<ObjectStore, 'noteObject' | 'lacksNotes'>,
    // Else every write counts as finished, unless it passes through the objects endpoint.
    Pick<ObjectStore, 'isBeingWritten'>,
    // Else there is one bucket, which nobody can change.
    BucketStore,
    // Else the objects endpoint serves the store, and the gateway signs the URLs.
    Presigner,
    DriverUpkeep {}

export type Driver = DriverCore & Partial<DriverOptions>

/** Stores that this process maintains itself. */
export interface DriverUpkeep {
  /** Which store this is, for as long as it exists; a store that has no such id leaves it out. */
  readonly storeId?: string
  /**
   * Deletes what writers left behind (temporary files, garbage) and moves orphaned blobs to quarantine. Resolves to how
   * many of them went.
   */
  sweep(): Promise<{ removed: number }>
  /** Null where no such check runs here: the store has its own, or it is off. */
  scrubStatus?(): ScrubStatus | null
  /** Only stores that can go back to an earlier state have them. */
  snapshots?: DriverSnapshots
}

/** The whole interface, which services and the objects endpoint see. */
export interface StorageDriver extends DriverBase, ObjectStore, MultipartStore, Presigner, BucketStore, DriverUpkeep {}
