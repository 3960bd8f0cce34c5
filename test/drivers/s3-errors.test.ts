import { describe, expect, it } from 'vitest'
import type { StorageErrorCode } from '../../src/errors.ts'
import { StorageError } from '../../src/errors.ts'
import { mapAwsError } from '../../src/drivers/s3/aws-error.ts'

const ref = { bucket: 'files', key: 'uploads/a.png' }

const sdkError = (Code: string, httpStatusCode: number, headers: Record<string, string> = {}) =>
  Object.assign(new Error(`what ${Code} says at store.internal`), {
    name: Code,
    Code,
    $metadata: { httpStatusCode },
    $response: { headers },
  })
const bare = (httpStatusCode: number) =>
  Object.assign(new Error('UnknownError'), { name: 'Unknown', $metadata: { httpStatusCode } })
const node = (code: string) => Object.assign(new Error(`connect ${code} 10.0.0.7:9000`), { code })

const codes: [string, number, StorageErrorCode][] = [
  ['NoSuchKey', 404, 'NotFound'],
  ['NotFound', 404, 'NotFound'],
  ['NoSuchVersion', 404, 'NotFound'],
  ['NoSuchBucket', 404, 'NoSuchBucket'],
  ['NoSuchUpload', 404, 'NoSuchUpload'],
  ['InvalidArgument', 400, 'InvalidArgument'],
  ['InvalidRequest', 400, 'InvalidRequest'],
  ['MalformedXML', 400, 'InvalidRequest'],
  ['KeyTooLongError', 400, 'KeyTooLong'],
  ['MetadataTooLarge', 400, 'MetadataTooLarge'],
  ['InvalidTag', 400, 'InvalidTag'],
  ['InvalidRange', 416, 'InvalidRange'],
  ['InvalidPart', 400, 'InvalidPart'],
  ['InvalidPartOrder', 400, 'InvalidPartOrder'],
  ['EntityTooLarge', 400, 'EntityTooLarge'],
  ['EntityTooSmall', 400, 'EntityTooSmall'],
  ['MissingContentLength', 411, 'MissingContentLength'],
  ['IncompleteBody', 400, 'IncompleteBody'],
  ['InvalidDigest', 400, 'InvalidDigest'],
  ['BadDigest', 400, 'BadDigest'],
  ['XAmzContentSHA256Mismatch', 400, 'PayloadHashMismatch'],
  ['NotModified', 304, 'NotModified'],
  ['PreconditionFailed', 412, 'PreconditionFailed'],
  ['ConditionalRequestConflict', 409, 'ConditionalConflict'],
  ['AccessDenied', 403, 'AccessDenied'],
  ['NotImplemented', 501, 'NotSupported'],
  ['SignatureDoesNotMatch', 403, 'Unavailable'],
  ['InvalidAccessKeyId', 403, 'Unavailable'],
  ['ExpiredToken', 400, 'Unavailable'],
  ['RequestTimeTooSkewed', 403, 'Unavailable'],
  ['PermanentRedirect', 301, 'Unavailable'],
  ['SlowDown', 503, 'Unavailable'],
  ['ServiceUnavailable', 503, 'Unavailable'],
  ['InternalError', 500, 'Unavailable'],
  ['XMinioStorageFull', 507, 'InsufficientStorage'],
  ['SomethingNew', 418, 'Internal'],
  ['SomethingNew', 412, 'PreconditionFailed'],
  ['SomethingNew', 502, 'Unavailable'],
]

describe('errors of a store', () => {
  it.each(codes)('%s with status %d is %s', (code, status, expected) => {
    const cause = sdkError(code, status)
    const error = mapAwsError('headObject', ref, cause)
    expect(error).toMatchObject({ code: expected, resource: '/files/uploads/a.png', cause })
    expect(error.message).not.toContain('store.internal')
  })

  it.each([
    [301, 'Unavailable'],
    [304, 'NotModified'],
    [400, 'InvalidRequest'],
    [403, 'AccessDenied'],
    [404, 'NotFound'],
    [409, 'ConditionalConflict'],
    [412, 'PreconditionFailed'],
    [416, 'InvalidRange'],
    [429, 'Unavailable'],
    [500, 'Unavailable'],
    [501, 'NotSupported'],
    [503, 'Unavailable'],
  ] as const)('status %d without a body is %s', (status, expected) => {
    expect(mapAwsError('headObject', ref, bare(status)).code).toBe(expected)
  })

  it.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EPIPE',
    'ETIMEDOUT',
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'HPE_INVALID_CONSTANT',
  ])('%s on the way is Unavailable, and tells no address', (code) => {
    const error = mapAwsError('getObject', ref, node(code))
    expect(error).toMatchObject({ code: 'Unavailable', retryAfter: 5 })
    expect(error.message).not.toContain('10.0.0.7')
  })

  it('a timeout and an aborted request are Unavailable', () => {
    for (const name of ['TimeoutError', 'AbortError']) {
      expect(mapAwsError('getObject', ref, Object.assign(new Error('x'), { name })).code).toBe('Unavailable')
    }
  })

  it("returns the store's Retry-After, or a default of some seconds", () => {
    expect(mapAwsError('putObject', ref, sdkError('SlowDown', 503, { 'retry-after': '17' })).retryAfter).toBe(17)
    expect(mapAwsError('putObject', ref, sdkError('SlowDown', 503)).retryAfter).toBe(5)
    expect(mapAwsError('putObject', ref, sdkError('NoSuchKey', 404)).retryAfter).toBeUndefined()
  })

  it('names the operation and what to set when the credentials are refused', () => {
    const refused = mapAwsError('putObject', ref, sdkError('SignatureDoesNotMatch', 403))
    expect(refused.message).toBe("The bucket's credentials were refused (putObject)")
    expect(mapAwsError('putObject', ref, sdkError('PermanentRedirect', 301)).message).toContain('storage.s3.region')
  })

  it('derives the missing resource from the operation', () => {
    for (const operation of ['uploadPart', 'listParts', 'completeMultipartUpload', 'abortMultipartUpload']) {
      expect(mapAwsError(operation, ref, sdkError('NoSuchKey', 404)).code).toBe('NoSuchUpload')
    }
    expect(mapAwsError('headBucket', { bucket: 'files' }, bare(404))).toMatchObject({
      code: 'NoSuchBucket',
      resource: '/files',
    })
    expect(mapAwsError('copyObject', ref, sdkError('NoSuchKey', 404)).code).toBe('NotFound')
  })

  it('returns a StorageError unchanged', () => {
    const ours = new StorageError('QuotaExceeded')
    expect(mapAwsError('putObject', ref, ours)).toBe(ours)
  })

  it('accepts any thrown value', () => {
    for (const cause of [undefined, null, 'text', 7, {}, new Error('x')]) {
      expect(mapAwsError('putObject', ref, cause).code).toBe('Internal')
    }
  })
})
