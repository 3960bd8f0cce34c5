/** The types of the driver port: objects, and the options and results of the methods. Import them from `driver.ts`. */
import type { Readable, Writable } from 'node:stream'

export type ObjectRef = { bucket: string; key: string }

export const checksumAlgorithms = ['sha1', 'sha256', 'sha512', 'md5', 'crc32', 'crc32c', 'crc64nvme'] as const
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number]
/** Length of each digest, in bytes. */
export const checksumBytes: Record<ChecksumAlgorithm, number> = {
  sha1: 20,
  sha256: 32,
  sha512: 64,
  md5: 16,
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
}
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'
/** `value` is base64, as in `x-amz-checksum-<algorithm>`. A composite checksum is followed by `-<parts>`. */
export type Checksum = { algorithm: ChecksumAlgorithm; value: string; type?: ChecksumType }

export type CannedAcl = 'private' | 'public-read' | 'public-read-write' | 'authenticated-read'
export type AclGroup = 'all-users' | 'authenticated-users' | 'log-delivery'
export type Permission = 'FULL_CONTROL' | 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP'
/** `owner` is an owner of access keys. */
export type Grant = { to: { owner: string } | { group: AclGroup }; permission: Permission }
/** `owner` owns the bucket or the object. An object and its bucket can have different owners. */
export type AccessControlList = { owner: string; grants: Grant[] }
/** A canned ACL is relative to the bucket's owner. A driver may reject lists with `NotSupported`. */
export type Acl = CannedAcl | AccessControlList

/** The headers that a writer sets and a reader gets back. Values are unparsed, as on the wire. */
export type ObjectHeaders = {
  contentType?: string
  contentEncoding?: string
  contentDisposition?: string
  contentLanguage?: string
  cacheControl?: string
  expires?: string
  /** User metadata. Names are in lower case, without `x-amz-meta-`. Names and values together are at most 2 KB. */
  metadata?: Record<string, string>
  /** Stored and returned only. Every object is read as one of STANDARD, which is also the default. */
  storageClass?: string
}

export type RetentionMode = 'GOVERNANCE' | 'COMPLIANCE'
/** `until` is ISO 8601. */
export type Retention = { mode: RetentionMode; until: string }
/** What keeps a version from being removed. */
export type ObjectLock = { retention?: Retention; legalHold?: boolean }
/** Absent fields stay unchanged. `null` removes the retention. `bypassGovernance`: the requester has this right. */
export type LockChange = { retention?: Retention | null; legalHold?: boolean; bypassGovernance?: boolean }

export type ObjectHead = ObjectHeaders & {
  /** Bytes of the whole object, even if a range or a part was requested. */
  contentLength: number
  /** Without quotes. */
  etag: string
  lastModified: Date
  /**
   * Identifies the write that created the object, if the store can. Equal ETags do not imply equal bytes or headers.
   */
  revision?: string
  checksum?: Checksum
  versionId?: string
  lock?: ObjectLock
  acl?: Acl
  tagCount?: number
  /** Number of parts, for an object from a multipart upload. */
  partCount?: number
}

/** Inclusive offsets. `{ start }` reads to the end, `{ suffix: n }` reads the last n bytes. */
export type ByteRange = { start: number; end?: number } | { suffix: number }

/** The driver evaluates them in RFC 9110 order. A failed condition throws `PreconditionFailed` or `NotModified`. */
export type ReadConditions = {
  /** ETag lists as in the header, quoted or bare, or `*`. */
  ifMatch?: string
  ifNoneMatch?: string
  ifModifiedSince?: Date
  ifUnmodifiedSince?: Date
}

/** With `partNumber`, the head contains the checksum of that part, of the same type as the object's checksum. */
export type HeadOptions = ReadConditions & { partNumber?: number; versionId?: string; signal?: AbortSignal }
export type GetOptions = HeadOptions & { range?: ByteRange }

/** A whole object as a regular local file, for a front proxy that sends files itself. */
export type LocalFile = {
  /** Absolute, with the separators of the operating system. */
  file: string
  /** Relative path below the folder of all such files, separated by "/": `[0-9a-f/]+`. */
  below: string
}

export interface StoredObject {
  readonly head: ObjectHead
  /** Inclusive offsets of the bytes to send. Absent for the whole object. */
  readonly range?: { start: number; end: number }
  /** Writes the bytes with backpressure and does not end `out`. Rejects if the bytes cannot be delivered in full. */
  sendTo(out: Writable, signal?: AbortSignal): Promise<void>
  stream(): Readable
  /**
   * The file that contains exactly the whole object. null if the object is not one file, or if its bytes have been read
   * already. The file stays for `grace` seconds after the object is deleted or replaced.
   */
  localFile?(): LocalFile | null
  /** Must be called if neither `sendTo` nor `stream` was read to the end. */
  close(): Promise<void>
}

/** Conditions on a write. `ifMatch` is an ETag. A lost race is `PreconditionFailed` or `ConditionalConflict`. */
export type WriteConditions = { ifNoneMatch?: '*'; ifMatch?: string }

/**
 * What the bytes must match. A driver verifies all of it before the object becomes visible: `BadDigest` for md5 and
 * checksum, `PayloadHashMismatch` for payloadSha256, `IncompleteBody` for the length.
 */
export type BodyExpectation = {
  contentLength?: number
  /** base64, from Content-MD5. */
  md5?: string
  /** lower-case hex, from x-amz-content-sha256. */
  payloadSha256?: string
  /**
   * `value` is a function if it arrives in a trailer. It is called once, after the last byte. Absent: compute and
   * store.
   */
  checksum?: { algorithm: ChecksumAlgorithm; value?: string | (() => string) }
}

export type PutOptions = ObjectHeaders &
  WriteConditions &
  BodyExpectation & {
    acl?: Acl
    tags?: Record<string, string>
    /** Refused with `InvalidRequest` unless the bucket has an object lock. */
    lock?: ObjectLock
    /** Reject with `EntityTooLarge` as soon as more bytes have arrived. Default: `limits.maxPutSize`. */
    maxBytes?: number
    signal?: AbortSignal
  }

/** The result of joining parts. */
export type JoinedObject = Omit<WrittenObject, 'contentLength'> & { contentLength?: number }
export type WrittenObject = {
  etag: string
  checksum?: Checksum
  versionId?: string
  contentLength: number
  /** Set if the replaced bytes are still stored. Resolves when they are deleted. Never rejects. */
  replacedGone?: Promise<void>
}

export type CopiedObject = WrittenObject & { lastModified: Date; sourceVersionId?: string }

export type CopyOptions = ObjectHeaders & {
  /** `COPY` keeps the source's headers, `REPLACE` sets the given ones. */
  metadataDirective?: 'COPY' | 'REPLACE'
  taggingDirective?: 'COPY' | 'REPLACE'
  tags?: Record<string, string>
  acl?: Acl
  lock?: ObjectLock
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
  /** The page starts after this key, in UTF-8 byte order. A common prefix given here is skipped as a whole. */
  startAfter?: string
  continuationToken?: string
  signal?: AbortSignal
}
export type ListedObject = {
  key: string
  contentLength: number
  etag: string
  lastModified: Date
  checksum?: Checksum
  storageClass?: string
}
export type ObjectPage = {
  objects: ListedObject[]
  commonPrefixes: string[]
  isTruncated: boolean
  nextContinuationToken?: string
  /** The last key or common prefix of this page, for protocols that page by name. */
  nextMarker?: string
}

/** Without `versionId`, the current version. */
export type OfVersion = { versionId?: string }

/**
 * The effect of a delete in a bucket with versioning. `versionId` is the delete marker that was created, or the version
 * that was deleted.
 */
export type DeletedObject = {
  versionId?: string
  /** Whether a delete marker was created or deleted. */
  deleteMarker?: boolean
}

export type ListVersionsOptions = Pick<ListOptions, 'bucket' | 'prefix' | 'delimiter' | 'maxKeys' | 'signal'> & {
  /** The page starts after this key, or within its versions if `versionIdMarker` is given. */
  keyMarker?: string
  /** The page starts after this version of `keyMarker`. */
  versionIdMarker?: string
}
/** `etag` and `contentLength` of a delete marker have no meaning. */
export type ListedVersion = ListedObject & { versionId: string; isLatest: boolean; isDeleteMarker: boolean }
export type VersionPage = {
  versions: ListedVersion[]
  commonPrefixes: string[]
  isTruncated: boolean
  nextKeyMarker?: string
  nextVersionIdMarker?: string
}

/** `error` is present for a failed key. Missing keys count as deleted, as on S3. */
export type DeleteResult = { key: string; error?: { code: 'AccessDenied' | 'Internal'; message: string } }

export type SealOptions = {
  /** ETag of the verified bytes. If the object has changed since, sealing fails with `PreconditionFailed`. */
  etag: string
  /** Revision of the verified bytes, for a store that reports revisions. */
  revision?: string
  versionId?: string
  /** An unused key, to which the store copies the object if it cannot seal in place. */
  to: string
  /** Also keep the object at its first key, because its public URL points there. */
  keepSource?: boolean
  /**
   * The headers of the sealed object. All others that the writer set are dropped, with metadata, tags and ACL. Without
   * this field, the writer's headers stay.
   */
  headers?: ObjectHeaders
  /** A store with a log stores it with the object. `postern rebuild-catalog` restores the file's record from it. */
  note?: ObjectNote
}

/** The facts of a file that the catalog has and the object does not. Times are ISO 8601. */
export type ObjectNote = {
  id: string
  owner: string
  key: string
  filename: string
  type: string
  visibility: 'private' | 'public'
  metadata: Record<string, string>
  createdAt: string
  confirmedAt: string
}
/** Where to read the sealed bytes from now on. */
export type SealedObject = { ref: ObjectRef; versionId?: string; etag: string }

/** A part of an object from a multipart upload. */
export type ObjectPart = { partNumber: number; contentLength: number; checksum?: Checksum }
export type ObjectPartPage = { parts: ObjectPart[]; isTruncated: boolean }
