/**
 * The storage driver port. Services, the JSON API and the objects endpoint speak to this file alone.
 *
 * Obligations of every driver (`test/conformance/driver-suite.ts` holds each of them):
 * - A constraint that cannot be enforced is refused with `NotSupported`, never dropped.
 * - A write that was answered is durable, and is readable by every later call.
 * - Foreign errors are translated at the driver's edge to `StorageError` and keep their cause.
 * - Limits are those of S3, so that a local run is never richer than a bucket.
 */
import type { Readable, Writable } from 'node:stream'

export type ObjectRef = { bucket: string; key: string }

export const checksumAlgorithms = ['sha1', 'sha256', 'crc32', 'crc32c', 'crc64nvme'] as const
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number]
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'
/** `value` is base64, for a composite one followed by `-<parts>`, as in `x-amz-checksum-<algorithm>`. */
export type Checksum = { algorithm: ChecksumAlgorithm; value: string; type?: ChecksumType }

/** Canned ACLs that are honoured; every other ACL is refused as `NotSupported`. */
export type CannedAcl = 'private' | 'public-read'

/** What a writer may say about an object and a reader gets back. Header values are as on the wire, unparsed. */
export type ObjectHeaders = {
  contentType?: string
  contentEncoding?: string
  contentDisposition?: string
  contentLanguage?: string
  cacheControl?: string
  expires?: string
  /** User metadata, names in lower case without `x-amz-meta-`; names and values together at most 2 KB. */
  metadata?: Record<string, string>
}

export type ObjectHead = ObjectHeaders & {
  /** Bytes of the whole object, also where a range or a part was asked for. */
  contentLength: number
  /** Without quotes. */
  etag: string
  lastModified: Date
  /** Names the write that made it, where the store can: equal ETags do not make equal bytes, nor equal headers. */
  revision?: string
  checksum?: Checksum
  versionId?: string
  acl?: CannedAcl
  tagCount?: number
  /** Parts of an object made by a multipart upload. */
  partCount?: number
}

/** Inclusive offsets. `{ start }` reads to the end; `{ suffix: n }` reads the last n bytes. */
export type ByteRange = { start: number; end?: number } | { suffix: number }

/** Evaluated in RFC 9110 order by the driver: a failed one throws `PreconditionFailed` or `NotModified`. */
export type ReadConditions = {
  /** ETag lists as in the header, quoted or bare, or `*`. */
  ifMatch?: string
  ifNoneMatch?: string
  ifModifiedSince?: Date
  ifUnmodifiedSince?: Date
}

export type HeadOptions = ReadConditions & { partNumber?: number; versionId?: string; signal?: AbortSignal }
export type GetOptions = HeadOptions & { range?: ByteRange }

export interface StoredObject {
  readonly head: ObjectHead
  /** Inclusive offsets of what will be sent; absent when it is the whole object. */
  readonly range?: { start: number; end: number }
  /** Writes the bytes with backpressure and does not end `out`; rejects if the bytes cannot be delivered in full. */
  sendTo(out: Writable, signal?: AbortSignal): Promise<void>
  stream(): Readable
  /** To be called when neither `sendTo` nor `stream` was used to the end. */
  close(): Promise<void>
}

/** Conditions on a write. `ifMatch` is an ETag; a lost race is `PreconditionFailed` or `ConditionalConflict`. */
export type WriteConditions = { ifNoneMatch?: '*'; ifMatch?: string }

/**
 * What the bytes must turn out to be. A driver verifies all of it before the object becomes visible:
 * `BadDigest` for md5 and checksum, `PayloadHashMismatch` for payloadSha256, `IncompleteBody` for the length.
 */
export type BodyExpectation = {
  contentLength?: number
  /** base64, from Content-MD5. */
  md5?: string
  /** lower-case hex, from x-amz-content-sha256. */
  payloadSha256?: string
  /** `value` is a function where it comes in a trailer: called once, after the last byte. No value: compute and store. */
  checksum?: { algorithm: ChecksumAlgorithm; value?: string | (() => string) }
}

export type PutOptions = ObjectHeaders &
  WriteConditions &
  BodyExpectation & {
    acl?: CannedAcl
    tags?: Record<string, string>
    /** Refuse with `EntityTooLarge` as soon as more than this many bytes have come. Default: `limits.maxPutSize`. */
    maxBytes?: number
    signal?: AbortSignal
  }

export type WrittenObject = { etag: string; checksum?: Checksum; versionId?: string; contentLength: number }

export type CopyOptions = ObjectHeaders & {
  /** `COPY` keeps the source's headers, `REPLACE` takes those given here. */
  metadataDirective?: 'COPY' | 'REPLACE'
  taggingDirective?: 'COPY' | 'REPLACE'
  tags?: Record<string, string>
  acl?: CannedAcl
  checksumAlgorithm?: ChecksumAlgorithm
  sourceVersionId?: string
  /** Conditions on the source. */
  sourceConditions?: ReadConditions
  signal?: AbortSignal
}

export type ListOptions = {
  bucket: string
  prefix?: string
  delimiter?: string
  /** 0 to 1000. */
  maxKeys?: number
  /** A key after which to start, in UTF-8 byte order; a common prefix given here is skipped as a whole. */
  startAfter?: string
  continuationToken?: string
  signal?: AbortSignal
}
export type ListedObject = { key: string; contentLength: number; etag: string; lastModified: Date; checksum?: Checksum }
export type ObjectPage = {
  objects: ListedObject[]
  commonPrefixes: string[]
  isTruncated: boolean
  nextContinuationToken?: string
  /** The last key or common prefix of this page, for protocols that page by name. */
  nextMarker?: string
}

/**
 * `code` of a failed key; keys that did not exist count as deleted, as on S3.
 */
export type DeleteResult = { key: string; error?: { code: 'AccessDenied' | 'Internal'; message: string } }

export type SealOptions = {
  /** The etag whose bytes were verified; if the object has changed since, `PreconditionFailed`. */
  etag: string
  /** Likewise, of a store that tells revisions. */
  revision?: string
  versionId?: string
  /** The fresh key to which a store without a better way copies the object. */
  to: string
  /** Keep the object at its first key too (its public URL points there). */
  keepSource?: boolean
}
/** Where the sealed bytes are to be read from now on. */
export type SealedObject = { ref: ObjectRef; versionId?: string; etag: string }

/** A part of an object that a multipart upload made. */
export type ObjectPart = { partNumber: number; contentLength: number; checksum?: Checksum }
export type ObjectPartPage = { parts: ObjectPart[]; isTruncated: boolean }

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
   * key are `AccessDenied`. S3: a pinned version where the bucket keeps versions, else a server-side copy.
   */
  sealObject(ref: ObjectRef, o: SealOptions): Promise<SealedObject>
  /** Whether a write to this key is running in this process. Stores that cannot tell answer false. */
  isBeingWritten(ref: ObjectRef): boolean
}

export type PartInfo = {
  partNumber: number
  etag: string
  contentLength: number
  lastModified: Date
  checksum?: Checksum
}
export type MultipartInfo = { key: string; uploadId: string; initiated: Date }

export interface MultipartStore {
  createMultipartUpload(
    ref: ObjectRef,
    o?: ObjectHeaders & {
      acl?: CannedAcl
      tags?: Record<string, string>
      checksumAlgorithm?: ChecksumAlgorithm
      checksumType?: ChecksumType
    },
  ): Promise<{ uploadId: string }>
  /** `uploadId` is `[A-Za-z0-9_-]+` on the disk driver. Errors: NoSuchUpload, and those of putObject. */
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
  /** Repeatable: a second call with the same parts answers as the first did. Errors: NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall. */
  completeMultipartUpload(
    ref: ObjectRef,
    uploadId: string,
    parts: readonly { partNumber: number; etag: string; checksum?: Checksum }[],
    o?: WriteConditions & { checksum?: Checksum; contentLength?: number },
  ): Promise<WrittenObject>
  abortMultipartUpload(ref: ObjectRef, uploadId: string): Promise<void>
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

/** `headers` are to be sent verbatim; never `content-length` or `host`, which every client sends by itself. */
export type SignedRequest = {
  method: string
  url: string
  headers: Record<string, string>
  /** Seconds, as signed: may be less than asked where the credentials end sooner. */
  expiresIn: number
  expiresAt: Date
}
export type SignedForm = {
  method: 'POST'
  url: string
  fields: Record<string, string>
  expiresIn: number
  expiresAt: Date
}

/** Overrides of a download's response headers; each becomes a signed `response-*` parameter. */
export type ResponseOverrides = {
  contentType?: string
  contentDisposition?: string
  cacheControl?: string
  contentEncoding?: string
  contentLanguage?: string
  expires?: string
}

export type PresignUploadOptions = {
  /** Seconds, 1 to `limits.maxExpiresIn`. */
  expiresIn: number
  contentType?: string
  /** Bound into the signature (`signed-length`). */
  contentLength?: number
  /** Bound into the signature (`signed-checksum`). */
  checksum?: Checksum
  /** The URL can only make a new object, never replace one (`conditional-put`). */
  ifNoneMatch?: '*'
}

/** Presigning is local computation. `now` stands in for the clock in tests. */
export interface Presigner {
  presignUpload(ref: ObjectRef, o: PresignUploadOptions): Promise<SignedRequest>
  presignUploadPart(
    ref: ObjectRef,
    o: { uploadId: string; partNumber: number; expiresIn: number; contentLength?: number; checksum?: Checksum },
  ): Promise<SignedRequest>
  presignDownload(
    ref: ObjectRef,
    o: { expiresIn: number; versionId?: string; response?: ResponseOverrides; signedAt?: Date },
  ): Promise<SignedRequest>
  presignHead(ref: ObjectRef, o: { expiresIn: number; versionId?: string }): Promise<SignedRequest>
  /** A form upload bounded by a content-length-range. Errors: NotSupported without `presign-post`. */
  presignPost(
    ref: ObjectRef,
    o: { expiresIn: number; contentType?: string; minBytes: number; maxBytes: number; checksum?: Checksum },
  ): Promise<SignedForm>
  /** The URL at which an anonymous read of a public object works, or null where there is none. */
  publicUrl(ref: ObjectRef): string | null
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
export type BucketInfo = { bucket: string; owner: string; createdAt: Date; acl: CannedAcl; cors: CorsRule[] | null }
export interface BucketStore {
  createBucket(bucket: string, o: { owner: string; acl?: CannedAcl }): Promise<BucketInfo>
  /** Errors: NoSuchBucket. */
  headBucket(bucket: string): Promise<BucketInfo>
  /** Errors: NoSuchBucket, BucketNotEmpty. */
  deleteBucket(bucket: string): Promise<void>
  /** In byte order of the name. */
  listBuckets(o: { owner: string; prefix?: string; after?: string; max?: number }): Promise<BucketInfo[]>
  /** `null` removes the configuration. */
  setBucketCors(bucket: string, cors: CorsRule[] | null): Promise<void>
  setBucketAcl(bucket: string, acl: CannedAcl): Promise<void>
  setObjectAcl(ref: ObjectRef, acl: CannedAcl): Promise<void>
}

export type Capability = 'presign-post' | 'signed-length' | 'signed-checksum' | 'conditional-put' | 'unequal-parts'

export interface StorageDriver extends ObjectStore, MultipartStore, Presigner, BucketStore {
  /** `disk` or `s3`: kept in each file's record. */
  readonly name: 'disk' | 's3'
  readonly capabilities: ReadonlySet<Capability>
  /** Bytes, parts and seconds. */
  readonly limits: { minPartSize: number; maxParts: number; maxPutSize: number; maxExpiresIn: number }
  /** Resolves when the store can take a write now; else throws `Unavailable` or `InsufficientStorage` with the reason. */
  checkReady(): Promise<void>
  /** Removes what writers left behind: temporary files, unreferenced blobs. Resolves to what was removed. */
  sweep(): Promise<{ removed: number }>
  close(): Promise<void>
}
