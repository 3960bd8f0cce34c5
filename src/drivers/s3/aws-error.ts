/** Translates errors of the SDK, the store and the network to `StorageError`. */
import { StorageError, type StorageErrorCode, type StorageErrorOptions } from '../../errors.ts'
import { resourceOf } from '../rules.ts'
import { StallTimeout } from './timeouts.ts'

/** The operation that failed and its target. `key` is absent for operations on the bucket. */
export type FailedOperation = { operation: string; ref?: { bucket: string; key?: string } | undefined }

type Answer = readonly [code: StorageErrorCode, message?: string, retryAfter?: number]

const refused = "The bucket's credentials were refused"
const busy: Answer = ['Unavailable', 'The bucket is busy. Retry later', 5]
const failing: Answer = ['Unavailable', 'The bucket failed to answer. Retry later', 5]

/** Error codes of S3 and S3-compatible stores, from "Error responses" in the S3 API reference. */
const answers: Readonly<Record<string, Answer>> = {
  NoSuchKey: ['NotFound'],
  NotFound: ['NotFound'],
  NoSuchVersion: ['NotFound'],
  MethodNotAllowed: ['NotSupported'],
  NoSuchBucket: ['NoSuchBucket'],
  NoSuchUpload: ['NoSuchUpload'],
  NoSuchTagSet: ['NoSuchTagSet'],
  NoSuchCORSConfiguration: ['NoSuchCorsConfiguration'],
  BucketAlreadyExists: ['BucketAlreadyExists'],
  BucketAlreadyOwnedByYou: ['BucketAlreadyOwnedByYou'],
  BucketNotEmpty: ['BucketNotEmpty'],

  InvalidArgument: ['InvalidArgument'],
  InvalidRequest: ['InvalidRequest'],
  MalformedXML: ['InvalidRequest'],
  InvalidURI: ['InvalidKey'],
  InvalidObjectName: ['InvalidKey'],
  InvalidBucketName: ['InvalidBucketName'],
  KeyTooLongError: ['KeyTooLong'],
  MetadataTooLarge: ['MetadataTooLarge'],
  InvalidTag: ['InvalidTag'],
  InvalidRange: ['InvalidRange'],
  InvalidPartNumber: ['InvalidRange'],
  InvalidPart: ['InvalidPart'],
  InvalidPartOrder: ['InvalidPartOrder'],
  EntityTooLarge: ['EntityTooLarge'],
  MaxMessageLengthExceeded: ['EntityTooLarge'],
  EntityTooSmall: ['EntityTooSmall'],
  MissingContentLength: ['MissingContentLength'],
  IncompleteBody: ['IncompleteBody'],
  InvalidDigest: ['InvalidDigest'],
  BadDigest: ['BadDigest'],
  XAmzContentSHA256Mismatch: ['PayloadHashMismatch'],
  XAmzContentChecksumMismatch: ['BadDigest'],

  NotModified: ['NotModified'],
  PreconditionFailed: ['PreconditionFailed'],
  ConditionalRequestConflict: ['ConditionalConflict'],
  OperationAborted: ['ConditionalConflict'],
  AccessDenied: ['AccessDenied', 'The bucket denied access. Check the permissions of its credentials'],
  AllAccessDisabled: ['AccessDenied', 'The bucket is disabled'],
  AccountProblem: ['Unavailable', "The bucket's account has a problem"],
  InvalidObjectState: ['NotSupported', 'The object is archived'],
  NotImplemented: ['NotSupported'],
  NotSupported: ['NotSupported'],

  SignatureDoesNotMatch: ['Unavailable', refused],
  InvalidAccessKeyId: ['Unavailable', refused],
  InvalidClientTokenId: ['Unavailable', refused],
  InvalidToken: ['Unavailable', refused],
  ExpiredToken: ['Unavailable', refused],
  TokenRefreshRequired: ['Unavailable', refused],
  AuthorizationHeaderMalformed: ['Unavailable', `${refused}. Check storage.s3.region`],
  PermanentRedirect: ['Unavailable', 'The bucket is in another region. Set storage.s3.region'],
  TemporaryRedirect: ['Unavailable', 'The bucket is in another region. Set storage.s3.region'],
  IllegalLocationConstraintException: ['Unavailable', 'The bucket is in another region. Set storage.s3.region'],
  RequestTimeTooSkewed: ['Unavailable', "This machine's clock differs from the store's. Correct it"],
  CredentialsProviderError: [
    'Unavailable',
    'No credentials for the bucket were found. Set storage.s3.accessKeyId and storage.s3.secretAccessKey, ' +
      'or the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  ],
  QuotaExceeded: ['InsufficientStorage', "The bucket's quota is used up"],
  XMinioStorageFull: ['InsufficientStorage', 'The bucket is full'],
  SlowDown: busy,
  SlowDownRead: busy,
  SlowDownWrite: busy,
  ServiceUnavailable: busy,
  RequestLimitExceeded: busy,
  TooManyRequests: busy,
  RequestTimeout: failing,
  InternalError: failing,
}

/** For responses without a body (HEAD, 304) and codes that are not listed. */
const byStatus: Readonly<Record<number, Answer>> = {
  301: answers['PermanentRedirect']!,
  304: ['NotModified'],
  307: answers['TemporaryRedirect']!,
  400: ['InvalidRequest'],
  401: ['Unavailable', refused],
  403: answers['AccessDenied']!,
  404: ['NotFound'],
  405: ['NotSupported'],
  408: failing,
  409: ['ConditionalConflict'],
  411: ['MissingContentLength'],
  412: ['PreconditionFailed'],
  413: ['EntityTooLarge'],
  416: ['InvalidRange'],
  429: busy,
  501: ['NotSupported'],
  503: busy,
  507: ['InsufficientStorage', 'The bucket is full'],
}

/** Error names and codes of failed connections, from Node and from the SDK. */
const network =
  /^(E(CONN|HOST|NET|ADDR|PIPE|AI_|TIMEDOUT|PROTO)|ENOTFOUND|ERR_(TLS|SSL|STREAM|SOCKET|HTTP)|CERT_|DEPTH_ZERO|UNABLE_TO|SELF_SIGNED|HPE_)/

/** Whether nothing came back: neither a response nor a refused connection. */
export const isSilence = (cause: unknown): boolean => {
  const { name, code } = (cause ?? {}) as Foreign
  return name === 'TimeoutError' || code === 'ETIMEDOUT'
}

/** The number of attempts of the call that failed with this error. */
export function attemptsOf(error: unknown): number {
  const { $metadata = {} } = ((error as Error).cause ?? {}) as { $metadata?: { attempts?: number } }
  return $metadata.attempts ?? 1
}

type Foreign = {
  name?: string
  Code?: string
  code?: string
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
}

/**
 * The error of one operation. The store's own message is only in the `cause`. A StorageError is returned unchanged. An
 * aborted request is `Unavailable`, because its caller no longer waits.
 */
export function mapAwsError(operation: string, ref: FailedOperation['ref'], cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause
  const e = (cause ?? {}) as Foreign
  const [code, message, retryAfter] = answerTo(e)
  const o: StorageErrorOptions = { cause, ...(ref ? { resource: resourceOf(ref) } : {}) }
  if (message !== undefined) o.message = `${message} (${operation})`
  const wait = retryAfterOf(e) ?? retryAfter
  if (wait !== undefined) o.retryAfter = wait
  return new StorageError(forOperation(operation, code), o)
}

function answerTo(e: Foreign): Answer {
  const listed = answers[e.Code ?? ''] ?? answers[e.name ?? '']
  if (listed) return listed
  const status = e.$metadata?.httpStatusCode
  if (status !== undefined && status >= 300) return byStatus[status] ?? (status >= 500 ? failing : ['Internal'])
  if (e instanceof StallTimeout) return ['Unavailable', `The bucket did not answer within ${e.seconds} s`, 5]
  if (e.name === 'AbortError') return ['Unavailable', 'The request was aborted']
  if (e.name === 'TimeoutError' || network.test(e.code ?? '')) return ['Unavailable', 'The bucket cannot be reached', 5]
  return ['Internal']
}

/** Names the missing resource. Some stores report an unknown upload as NoSuchKey, and a missing bucket as NotFound. */
function forOperation(operation: string, code: StorageErrorCode): StorageErrorCode {
  if (code !== 'NotFound') return code
  if (uploadOperations.has(operation)) return 'NoSuchUpload'
  return bucketOperations.has(operation) ? 'NoSuchBucket' : code
}

const uploadOperations = new Set(['uploadPart', 'listParts', 'completeMultipartUpload', 'abortMultipartUpload'])
const bucketOperations = new Set(['headBucket', 'listObjects', 'listMultipartUploads', 'createMultipartUpload'])

function retryAfterOf(e: Foreign): number | undefined {
  const seconds = Number(e.$response?.headers?.['retry-after'])
  return Number.isInteger(seconds) && seconds > 0 ? seconds : undefined
}
