/**
 * The only error type that drivers, catalog and services throw. The list of codes is closed. Each protocol maps every code
 * to a response in one exhaustive table (`s3/error-response.ts`, `api/problem-json.ts`). Status codes must not be defined
 * elsewhere.
 */
export const storageErrorCodes = [
  // objects and buckets
  'NotFound',
  'NoSuchBucket',
  'NoSuchVersion',
  'IsDeleteMarker',
  'NoSuchUpload',
  'BucketAlreadyExists',
  'BucketAlreadyOwnedByYou',
  'BucketNotEmpty',
  'InvalidBucketState',
  'NoSuchCorsConfiguration',
  'NoSuchTagSet',
  // invalid or unsupported requests
  'InvalidArgument',
  'InvalidRequest',
  'InvalidKey',
  'InvalidBucketName',
  'KeyTooLong',
  'MetadataTooLarge',
  'InvalidTag',
  'InvalidRange',
  'InvalidPart',
  'InvalidPartOrder',
  'EntityTooLarge',
  'EntityTooSmall',
  'MissingContentLength',
  'IncompleteBody',
  'InvalidDigest',
  'BadDigest',
  'PayloadHashMismatch',
  'NotModified',
  'PreconditionFailed',
  'ConditionalConflict',
  'AccessDenied',
  'NotSupported',
  // the file API
  'Unauthenticated',
  'OriginRefused',
  'TypeNotAllowed',
  'UploadIncomplete',
  'UploadMismatch',
  'QuotaExceeded',
  'TooManyRequests',
  'UnsupportedMediaType',
  // the store itself
  'InsufficientStorage',
  'Unavailable',
  'StoreNotOpen',
  'Corrupt',
  'Internal',
] as const

export type StorageErrorCode = (typeof storageErrorCodes)[number]

export type StorageErrorOptions = {
  /** What happened and what to do. Callers see it, so it must not contain a secret, a path or another program's error text. */
  message?: string
  /** For faults of the server: the message for the caller. `message` is then only logged. */
  publicMessage?: string
  /** The resource in the protocol's notation: `/bucket/key`, `/files/<id>`. */
  resource?: string
  /** Seconds after which the same request may succeed. */
  retryAfter?: number
  /** The delete marker that hides the object. */
  deleteMarker?: DeleteMarkerFacts
  /** Machine-readable facts for the protocol's error body, e.g. `{ ProposedSize: 12, MaxSizeAllowed: 10 }`. */
  details?: Record<string, string | number>
  cause?: unknown
}

export type DeleteMarkerFacts = { versionId: string; lastModified: Date }

export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: StorageErrorCode
  readonly resource: string | undefined
  readonly retryAfter: number | undefined
  readonly publicMessage: string | undefined
  readonly deleteMarker: DeleteMarkerFacts | undefined
  readonly details: Readonly<Record<string, string | number>>

  constructor(code: StorageErrorCode, o: StorageErrorOptions = {}) {
    super(o.message ?? code, o.cause === undefined ? undefined : { cause: o.cause })
    this.code = code
    this.resource = o.resource
    this.retryAfter = o.retryAfter
    this.publicMessage = o.publicMessage
    this.deleteMarker = o.deleteMarker
    this.details = o.details ?? {}
  }
}

export const isStorageError = (e: unknown, ...codes: StorageErrorCode[]): e is StorageError =>
  e instanceof StorageError && (codes.length === 0 || codes.includes(e.code))
