/**
 * The one error type that drivers, catalog and services throw. The list of codes is closed: each protocol maps every
 * code to its answer in one exhaustive table (`s3/error-response.ts`, `api/problem-json.ts`), and status numbers stand
 * nowhere else.
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
  'NoSuchCorsConfiguration',
  'NoSuchTagSet',
  // requests that cannot be served as asked
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
  /** What a caller may be told: what happened and what to do. Never a secret, a path or a foreign error's text. */
  message?: string
  /** For faults of the server, whose message stays in the log: the sentence that the caller reads instead. */
  publicMessage?: string
  /** The thing the error is about, as its protocol names it: `/bucket/key`, `/files/<id>`. */
  resource?: string
  /** Seconds after which the same request may succeed. */
  retryAfter?: number
  /** The delete marker because of which there is no object to read. */
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
