/** The words of the driver port: objects, and what is asked and answered of them. Import them from `driver.ts`. */
import type { Readable, Writable } from 'node:stream'

export type ObjectRef = { bucket: string; key: string }

export const checksumAlgorithms = ['sha1', 'sha256', 'sha512', 'md5', 'crc32', 'crc32c', 'crc64nvme'] as const
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number]
/** Length of a digest. */
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
/** `value` is base64, for a composite one followed by `-<parts>`, as in `x-amz-checksum-<algorithm>`. */
export type Checksum = { algorithm: ChecksumAlgorithm; value: string; type?: ChecksumType }

export type CannedAcl = 'private' | 'public-read' | 'public-read-write' | 'authenticated-read'
export type AclGroup = 'all-users' | 'authenticated-users' | 'log-delivery'
export type Permission = 'FULL_CONTROL' | 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP'
/** `owner` is an owner of access keys. */
export type Grant = { to: { owner: string } | { group: AclGroup }; permission: Permission }
/** `owner` owns the bucket or the object, which need not be the owner of the object's bucket. */
export type AccessControlList = { owner: string; grants: Grant[] }
/** A canned ACL is one of something that the owner of the bucket owns. Drivers may refuse lists as `NotSupported`. */
export type Acl = CannedAcl | AccessControlList

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
  /** Kept and told, and nothing else: every object is read as one of STANDARD, which is the class where there is none. */
  storageClass?: string
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
  acl?: Acl
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

/** With `partNumber` the head tells the part's checksum, of the kind that the object has. */
export type HeadOptions = ReadConditions & { partNumber?: number; versionId?: string; signal?: AbortSignal }
export type GetOptions = HeadOptions & { range?: ByteRange }

/** A whole object as a plain file of this machine, for a server in front that sends files itself. */
export type LocalFile = {
  /** Absolute, as the system writes it. */
  file: string
  /** Relative to the folder in which all such files lie, with "/" between its names: `[0-9a-f/]+`. */
  below: string
}

export interface StoredObject {
  readonly head: ObjectHead
  /** Inclusive offsets of what will be sent; absent when it is the whole object. */
  readonly range?: { start: number; end: number }
  /** Writes the bytes with backpressure and does not end `out`; rejects if the bytes cannot be delivered in full. */
  sendTo(out: Writable, signal?: AbortSignal): Promise<void>
  stream(): Readable
  /**
   * Where the whole object lies, from its first byte to its last; null where it does not lie in one file, and where what is
   * to be sent has been read already. The file stays for `grace` seconds after the object is deleted or replaced.
   */
  localFile?(): LocalFile | null
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
    acl?: Acl
    tags?: Record<string, string>
    /** Refuse with `EntityTooLarge` as soon as more than this many bytes have come. Default: `limits.maxPutSize`. */
    maxBytes?: number
    signal?: AbortSignal
  }

/** What joining parts made. */
export type JoinedObject = Omit<WrittenObject, 'contentLength'> & { contentLength?: number }
export type WrittenObject = {
  etag: string
  checksum?: Checksum
  versionId?: string
  contentLength: number
  /** Where the bytes that this write replaced are still stored: resolves when they are deleted. Never rejects. */
  replacedGone?: Promise<void>
}

export type CopiedObject = WrittenObject & { lastModified: Date; sourceVersionId?: string }

export type CopyOptions = ObjectHeaders & {
  /** `COPY` keeps the source's headers, `REPLACE` takes those given here. */
  metadataDirective?: 'COPY' | 'REPLACE'
  taggingDirective?: 'COPY' | 'REPLACE'
  tags?: Record<string, string>
  acl?: Acl
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

/** Without `versionId` the current version is meant. */
export type OfVersion = { versionId?: string }

/** What a delete did in a bucket with versions: `versionId` is the marker that it made, or the version that it removed. */
export type DeletedObject = {
  versionId?: string
  /** Whether it made a delete marker or removed one. */
  deleteMarker?: boolean
}

export type ListVersionsOptions = Pick<ListOptions, 'bucket' | 'prefix' | 'delimiter' | 'maxKeys' | 'signal'> & {
  /** The key to start at. Without `versionIdMarker` all of its versions are passed. */
  keyMarker?: string
  /** The version after which to start. */
  versionIdMarker?: string
}
/** `etag` and `contentLength` of a delete marker mean nothing. */
export type ListedVersion = ListedObject & { versionId: string; isLatest: boolean; isDeleteMarker: boolean }
export type VersionPage = {
  versions: ListedVersion[]
  commonPrefixes: string[]
  isTruncated: boolean
  nextKeyMarker?: string
  nextVersionIdMarker?: string
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
  /**
   * The headers of the sealed object. Nothing else that its writer set survives: no other header, no metadata, no tags, no
   * ACL. Without this field the writer's headers stay.
   */
  headers?: ObjectHeaders
  /** Stored with the object by a store that keeps a log: `postern rebuild-catalog` makes the file's record from it. */
  note?: ObjectNote
}

/** What the catalog knows of a file and the object itself does not. Times are ISO 8601. */
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
/** Where the sealed bytes are to be read from now on. */
export type SealedObject = { ref: ObjectRef; versionId?: string; etag: string }

/** A part of an object that a multipart upload made. */
export type ObjectPart = { partNumber: number; contentLength: number; checksum?: Checksum }
export type ObjectPartPage = { parts: ObjectPart[]; isTruncated: boolean }
