/** Status and text of the errors that fault rules name. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
import { InjectedError } from '../../http/intercept.ts'
import type { Effect } from './rule.ts'

const forms: Record<string, readonly [status: number, message: string]> = {
  AccessDenied: [403, 'Access Denied'],
  BadDigest: [400, 'The Content-MD5 or checksum value that you specified did not match what the server received.'],
  ConditionalRequestConflict: [409, 'A conflicting operation occurred during the request. Retry the upload.'],
  ExpiredToken: [400, 'The provided token has expired.'],
  InsufficientStorage: [507, 'The store has too little free space for this write.'],
  InternalError: [500, 'We encountered an internal error. Please try again.'],
  InvalidAccessKeyId: [403, 'The AWS access key ID that you provided does not exist in our records.'],
  NoSuchBucket: [404, 'The specified bucket does not exist.'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchUpload: [404, 'The specified upload does not exist.'],
  OperationAborted: [409, 'A conflicting conditional operation is currently in progress against this resource.'],
  PreconditionFailed: [412, 'At least one of the preconditions that you specified did not hold.'],
  QuotaExceeded: [403, 'The quota is used up.'],
  RequestTimeout: [
    400,
    'Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.',
  ],
  RequestTimeTooSkewed: [403, 'The difference between the request time and the current time is too large.'],
  ServiceUnavailable: [503, 'Service is unable to handle request.'],
  SignatureDoesNotMatch: [403, 'The request signature that the server calculated does not match the one provided.'],
  SlowDown: [503, 'Please reduce your request rate.'],
  TemporaryRedirect: [307, 'Please re-send this request to the specified temporary endpoint.'],
  TooManyRequests: [429, 'Please reduce your request rate.'],
}

/** Codes with a known form. A rule with another code states its status. */
export const knownCodes: readonly string[] = Object.keys(forms)

export function injectedError(error: NonNullable<Effect['error']>): InjectedError {
  const [status, message] = forms[error.code] ?? [500, error.code]
  return new InjectedError({
    code: error.code,
    status: error.status ?? status,
    message: error.message ?? message,
    headers: error.retryAfter === undefined ? {} : { 'retry-after': String(error.retryAfter) },
  })
}
