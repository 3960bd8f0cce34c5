import { describe, expect, it } from 'vitest'
import { refused, retryAfterSeconds } from '../../src/client/upload-error.ts'

describe('refused', () => {
  it.for([
    { status: 408, retryable: true, code: 'server' },
    { status: 425, retryable: true, code: 'server' },
    { status: 429, retryable: true, code: 'server' },
    { status: 500, retryable: true, code: 'server' },
    { status: 503, s3Code: 'SlowDown', retryable: true, code: 'server' },
    { status: 400, s3Code: 'RequestTimeout', retryable: true, code: 'server' },
    { status: 409, s3Code: 'ConditionalRequestConflict', retryable: true, code: 'server' },
    { status: 400, s3Code: 'BadDigest', retryable: false, code: 'checksum' },
    { status: 400, s3Code: 'EntityTooLarge', retryable: false, code: 'too-large' },
    { status: 413, retryable: false, code: 'too-large' },
    { status: 415, retryable: false, code: 'type-rejected' },
    { status: 403, s3Code: 'SignatureDoesNotMatch', retryable: false, code: 'server' },
    { status: 501, retryable: false, code: 'server' },
    { status: 507, retryable: false, code: 'server' },
  ])('$status $s3Code: $code, retryable $retryable', ({ retryable, code, ...answer }) => {
    expect(refused('The store', answer)).toMatchObject({ ...answer, code, retryable })
  })

  it('names the server and the status if the response has no message', () => {
    expect(refused('The store', { status: 403, s3Code: 'AccessDenied', message: ' ' }).message).toBe(
      'The store responded with 403 AccessDenied.',
    )
  })
})

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1, 12)
  it.for([
    ['3', 3],
    ['0', 0],
    ['Thu, 01 Jan 2026 12:00:30 GMT', 30],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    [null, undefined],
  ] as const)('%s is %s seconds', ([value, seconds]) => {
    expect(retryAfterSeconds(value, now)).toBe(seconds)
  })
})
