/** The response of every error on the objects endpoint. The only file of `s3/` that maps errors to status codes. */
import type { ServerResponse } from 'node:http'
import { StorageError, type DeleteMarkerFacts, type StorageErrorCode } from '../errors.ts'
import { setAdvice } from '../http/advice.ts'
import { RequestRefused, type RefusalCode } from '../http/guard.ts'
import { InjectedError } from '../http/intercept.ts'
import { isServerFault } from '../http/request-event.ts'
import { SignatureError, type SignatureErrorCode } from '../sigv4/types.ts'
import { answerText } from './answer.ts'
import { S3Error, type S3ErrorCode } from './s3-error.ts'
import { xmlDocument, type XmlElement } from './xml.ts'

type S3Answer = {
  code: string
  status: number
  /** The default message of an error without one. */ message: string
}

const storageAnswers = {
  NotFound: { code: 'NoSuchKey', status: 404, message: 'The specified key does not exist.' },
  NoSuchBucket: { code: 'NoSuchBucket', status: 404, message: 'The specified bucket does not exist.' },
  NoSuchVersion: { code: 'NoSuchVersion', status: 404, message: 'The specified version does not exist.' },
  IsDeleteMarker: {
    code: 'MethodNotAllowed',
    status: 405,
    message: 'The specified method is not allowed against this resource.',
  },
  NoSuchUpload: {
    code: 'NoSuchUpload',
    status: 404,
    message: 'The specified upload does not exist. It may have been aborted or completed, or the ID may be wrong.',
  },
  BucketAlreadyExists: {
    code: 'BucketAlreadyExists',
    status: 409,
    message: 'The bucket name is taken by another owner.',
  },
  BucketAlreadyOwnedByYou: { code: 'BucketAlreadyOwnedByYou', status: 409, message: 'You own this bucket already.' },
  BucketNotEmpty: { code: 'BucketNotEmpty', status: 409, message: 'The bucket you tried to delete is not empty.' },
  InvalidBucketState: {
    code: 'InvalidBucketState',
    status: 409,
    message: 'The request is not valid for the current state of the bucket.',
  },
  NoSuchCorsConfiguration: {
    code: 'NoSuchCORSConfiguration',
    status: 404,
    message: 'The CORS configuration does not exist.',
  },
  NoSuchTagSet: { code: 'NoSuchTagSet', status: 404, message: 'There is no tag set.' },
  InvalidArgument: { code: 'InvalidArgument', status: 400, message: 'An argument is not valid.' },
  InvalidRequest: { code: 'InvalidRequest', status: 400, message: 'The request is not valid.' },
  InvalidKey: { code: 'InvalidURI', status: 400, message: 'The key cannot be used.' },
  InvalidBucketName: { code: 'InvalidBucketName', status: 400, message: 'The specified bucket is not valid.' },
  KeyTooLong: { code: 'KeyTooLongError', status: 400, message: 'Your key is too long.' },
  MetadataTooLarge: { code: 'MetadataTooLarge', status: 400, message: 'The metadata exceeds 2 KB.' },
  InvalidTag: { code: 'InvalidTag', status: 400, message: 'A tag is not valid.' },
  InvalidRange: { code: 'InvalidRange', status: 416, message: 'The requested range cannot be satisfied.' },
  InvalidPart: { code: 'InvalidPart', status: 400, message: 'A part could not be found, or its ETag does not match.' },
  InvalidPartOrder: { code: 'InvalidPartOrder', status: 400, message: 'The parts must be listed in ascending order.' },
  EntityTooLarge: { code: 'EntityTooLarge', status: 400, message: 'The upload exceeds the maximum allowed size.' },
  EntityTooSmall: {
    code: 'EntityTooSmall',
    status: 400,
    message: 'The upload is smaller than the minimum allowed size.',
  },
  MissingContentLength: { code: 'MissingContentLength', status: 411, message: 'A Content-Length header is required.' },
  IncompleteBody: {
    code: 'IncompleteBody',
    status: 400,
    message: 'The body does not have the declared number of bytes.',
  },
  InvalidDigest: { code: 'InvalidDigest', status: 400, message: 'The Content-MD5 you specified is not valid.' },
  BadDigest: { code: 'BadDigest', status: 400, message: 'The digest you specified did not match what was received.' },
  PayloadHashMismatch: {
    code: 'XAmzContentSHA256Mismatch',
    status: 400,
    message: 'The x-amz-content-sha256 you specified did not match what was received.',
  },
  NotModified: { code: 'NotModified', status: 304, message: 'Not modified.' },
  PreconditionFailed: {
    code: 'PreconditionFailed',
    status: 412,
    message: 'At least one of the preconditions you specified did not hold.',
  },
  ConditionalConflict: {
    code: 'ConditionalRequestConflict',
    status: 409,
    message: 'A conflicting operation was running. Fetch the ETag and try again.',
  },
  AccessDenied: { code: 'AccessDenied', status: 403, message: 'Access Denied' },
  NotSupported: { code: 'NotImplemented', status: 501, message: 'This is not implemented.' },
  Unauthenticated: { code: 'AccessDenied', status: 403, message: 'Access Denied' },
  OriginRefused: { code: 'AccessDenied', status: 403, message: 'Access Denied' },
  TypeNotAllowed: { code: 'InvalidRequest', status: 400, message: 'The type of the content is not allowed.' },
  UploadIncomplete: { code: 'InvalidRequest', status: 400, message: 'The upload is not complete.' },
  UploadMismatch: {
    code: 'InvalidRequest',
    status: 400,
    message: 'The content does not match the declared properties.',
  },
  QuotaExceeded: { code: 'QuotaExceeded', status: 403, message: 'The quota is used up.' },
  TooManyRequests: { code: 'SlowDown', status: 503, message: 'Please reduce your request rate.' },
  UnsupportedMediaType: {
    code: 'InvalidRequest',
    status: 400,
    message: 'The content type of the body is not supported.',
  },
  InsufficientStorage: { code: 'InsufficientStorage', status: 507, message: 'The store is full.' },
  Unavailable: { code: 'ServiceUnavailable', status: 503, message: 'Please try again later.' },
  StoreNotOpen: { code: 'ServiceUnavailable', status: 503, message: 'Please try again later.' },
  Corrupt: { code: 'InternalError', status: 500, message: 'We encountered an internal error. Please try again.' },
  Internal: { code: 'InternalError', status: 500, message: 'We encountered an internal error. Please try again.' },
} as const satisfies Record<StorageErrorCode, S3Answer>

const s3Status = {
  AccessControlListNotSupported: 400,
  AccessForbidden: 403,
  IllegalLocationConstraintException: 400,
  IllegalVersioningConfigurationException: 400,
  InvalidBucketAclWithObjectOwnership: 400,
  InvalidPartNumber: 416,
  InvalidRetentionPeriod: 400,
  InvalidRequestBody: 400,
  InvalidStorageClass: 400,
  InvalidURI: 400,
  MalformedACLError: 400,
  MalformedPOSTRequest: 400,
  MalformedPolicy: 400,
  MalformedXML: 400,
  MaxMessageLengthExceeded: 400,
  MethodNotAllowed: 405,
  MissingAttachment: 400,
  MissingRequestBodyError: 400,
  NoSuchBucketPolicy: 404,
  NoSuchConfiguration: 404,
  NoSuchLifecycleConfiguration: 404,
  NoSuchObjectLockConfiguration: 404,
  NoSuchPublicAccessBlockConfiguration: 404,
  NoSuchWebsiteConfiguration: 404,
  NotImplemented: 501,
  NotMultipart: 412,
  ObjectLockConfigurationNotFoundError: 404,
  OwnershipControlsNotFoundError: 404,
  ReplicationConfigurationNotFoundError: 404,
  RequestTimeout: 408,
  ServerSideEncryptionConfigurationNotFoundError: 404,
  UnresolvableGrantByEmailAddress: 400,
} as const satisfies Record<S3ErrorCode, number>

/** Codes of our own that are reported under an S3 code. */
const s3Name = {
  InvalidRequestBody: 'InvalidRequest',
  NotMultipart: 'PreconditionFailed',
} as const

const nameOf = (code: S3ErrorCode): AnswerCode =>
  (code in s3Name ? s3Name[code as keyof typeof s3Name] : code) as AnswerCode

const signatureStatus = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidRequest: 400,
  InvalidToken: 400,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  IncompleteBody: 400,
  InvalidChunkSizeError: 400,
  MalformedTrailerError: 400,
  MissingContentLength: 411,
  InvalidPolicyDocument: 400,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
} as const satisfies Record<SignatureErrorCode, number>

const refusals = {
  BadRequest: { code: 'InvalidRequest', status: 400 },
  InvalidTarget: { code: 'InvalidURI', status: 400 },
  MethodNotAllowed: { code: 'MethodNotAllowed', status: 405 },
  NotImplemented: { code: 'NotImplemented', status: 501 },
  ExpectationFailed: { code: 'InvalidRequest', status: 417 },
} as const satisfies Record<RefusalCode, Omit<S3Answer, 'message'>>

/** The code of a response. Those of `s3Name` become another one. */
export type AnswerCode =
  | (typeof storageAnswers)[StorageErrorCode]['code']
  | Exclude<S3ErrorCode, 'InvalidRequestBody' | 'NotMultipart'>
  | SignatureErrorCode
  | (typeof refusals)[RefusalCode]['code']

export type ErrorAnswer = Omit<S3Answer, 'code'> & { code: AnswerCode } & {
  details: Readonly<Record<string, string | number>>
  retryAfter?: number
  /** Headers of an injected fault. */
  headers?: Readonly<Record<string, string>>
  deleteMarker?: DeleteMarkerFacts
}

/** The response to an error. An unknown error becomes an internal error without details. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof StorageError) {
    const { code, status, message } = storageAnswers[error.code]
    // Internal errors expose only the request id. 501 names the missing feature.
    const internal = isServerFault(status)
    const own = error.message === error.code || internal ? message : error.message
    const details = error.code === 'NotFound' ? { ...keyOf(error), ...error.details } : error.details
    const { deleteMarker } = error
    const answer = {
      code,
      status,
      message: own,
      details: internal ? {} : details,
      ...(deleteMarker && { deleteMarker }),
    }
    return error.retryAfter === undefined ? answer : { ...answer, retryAfter: error.retryAfter }
  }
  if (error instanceof SignatureError) {
    return { code: error.code, status: signatureStatus[error.code], message: error.message, details: error.details }
  }
  if (error instanceof S3Error) {
    return { code: nameOf(error.code), status: s3Status[error.code], message: error.message, details: error.details }
  }
  if (error instanceof InjectedError) {
    const { status, message, details } = error
    return { code: error.code as AnswerCode, status, message, details, headers: error.headers }
  }
  if (error instanceof RequestRefused) return { ...refusals[error.code], message: error.message, details: {} }
  return { ...storageAnswers.Internal, details: {} }
}

/** The key after the bucket. For a copy it may be the source's key. */
function keyOf({ resource = '' }: StorageError): { Key?: string } {
  const [, key] = /^\/[^/]+\/(.+)$/s.exec(resource) ?? []
  return key === undefined ? {} : { Key: key }
}

/** `HostId` of every response. Constant. */
export const hostId = 'postern'

export function errorBody(
  answer: Omit<ErrorAnswer, 'code'> & { code: string },
  o: { resource: string; requestId: string },
): string {
  const details = Object.entries(answer.details).map(([name, value]): XmlElement => [name, value])
  return xmlDocument(
    'Error',
    [
      ['Code', answer.code],
      ['Message', answer.message],
      ...details,
      ['Resource', o.resource],
      ['RequestId', o.requestId],
      ['HostId', hostId],
    ],
    { namespace: false },
  )
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html */
function setMarkerHeaders(res: ServerResponse, status: number, { versionId, lastModified }: DeleteMarkerFacts): void {
  res.setHeader('x-amz-delete-marker', 'true')
  res.setHeader('x-amz-version-id', versionId)
  if (status !== 405) return
  res.setHeader('allow', 'DELETE')
  res.setHeader('last-modified', lastModified.toUTCString())
}

/**
 * Ends the response with an error. Removes headers that a route set for success, except CORS, `allow` and the request
 * id.
 */
export function answerError(
  ctx: { res: ServerResponse; method: string },
  answer: ErrorAnswer,
  o: { resource: string; requestId: string; /** Set in development mode. */ advice: string | null },
): void {
  const { res } = ctx
  for (const name of res.getHeaderNames()) {
    if (!/^(access-control-|allow$|vary$|x-amz-request-id$|x-amz-id-2$|connection$|date$)/.test(name))
      res.removeHeader(name)
  }
  for (const [name, value] of Object.entries(answer.headers ?? {})) res.setHeader(name, value)
  if (answer.retryAfter !== undefined) res.setHeader('retry-after', Math.ceil(answer.retryAfter))
  if (answer.deleteMarker) setMarkerHeaders(res, answer.status, answer.deleteMarker)
  // SDKs that look up a bucket's region read it here, because a HEAD response has no body.
  const region = answer.details['Region']
  if (region !== undefined) res.setHeader('x-amz-bucket-region', region)
  if (o.advice !== null && answer.status >= 400) setAdvice(res, o.advice)
  if (ctx.method === 'HEAD' || answer.status === 304) {
    res.statusCode = answer.status
    if (ctx.method === 'HEAD') res.setHeader('content-type', 'application/xml')
    res.end()
    return
  }
  answerText(ctx, answer.status, 'application/xml', errorBody(answer, o))
}
