/** The edge at which errors of the SDK, of the store behind it and of the network become ours. */
import { StorageError, type StorageErrorCode, type StorageErrorOptions } from '../../errors.ts'
import { resourceOf } from '../rules.ts'
import { StallTimeout } from './timeouts.ts'

/** What was being done to what; `key` is missing for operations on the bucket. */
export type FailedOperation = { operation: string; ref?: { bucket: string; key?: string } | undefined }

type Answer = readonly [code: StorageErrorCode, message?: string, retryAfter?: number]

const refused = "The bucket's credentials were refused"
const busy: Answer = ['Unavailable', 'The bucket is busy; try again', 5]
const failing: Answer = ['Unavailable', 'The bucket failed to answer; try again', 5]

/** Codes that S3 and the stores that speak its protocol send, by "Error responses" of the S3 API reference. */
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
  AccessDenied: ['AccessDenied', 'The bucket refused it: look at the permissions of its credentials'],
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
  AuthorizationHeaderMalformed: ['Unavailable', `${refused}; is storage.s3.region the bucket's?`],
  PermanentRedirect: ['Unavailable', 'The bucket is in another region: set storage.s3.region'],
  TemporaryRedirect: ['Unavailable', 'The bucket is in another region: set storage.s3.region'],
  IllegalLocationConstraintException: ['Unavailable', 'The bucket is in another region: set storage.s3.region'],
  RequestTimeTooSkewed: ['Unavailable', "This machine's clock is not the store's: correct it"],
  CredentialsProviderError: ['Unavailable', 'No credentials for the bucket were found: set storage.s3.accessKeyId'],
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

/** For answers without a body (HEAD, 304) and codes that are not listed. */
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

/** Names and codes of errors that come from the way to the store: Node's, and those that the SDK makes of them. */
const network =
  /^(E(CONN|HOST|NET|ADDR|PIPE|AI_|TIMEDOUT|PROTO)|ENOTFOUND|ERR_(TLS|SSL|STREAM|SOCKET|HTTP)|CERT_|DEPTH_ZERO|UNABLE_TO|SELF_SIGNED|HPE_)/

/** Nothing came back: neither an answer nor a refused connection. */
export const isSilence = (cause: unknown): boolean => {
  const { name, code } = (cause ?? {}) as Foreign
  return name === 'TimeoutError' || code === 'ETIMEDOUT'
}

/** How often the call was sent that ended in this error of ours. */
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
 * The error of one operation. What a store says in words is not passed on, it is the cause's. Errors of ours pass
 * through; an aborted request is `Unavailable`, for nobody waits for it any more.
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
  if (e.name === 'AbortError') return ['Unavailable', 'The request was given up']
  if (e.name === 'TimeoutError' || network.test(e.code ?? '')) return ['Unavailable', 'The bucket cannot be reached', 5]
  return ['Internal']
}

/** What was not found: an unknown upload is NoSuchKey to some stores, and an operation on the bucket says NotFound. */
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
