/** Security cases of signatures, in the query and in the header. */
import type { Section } from './table.ts'

export const signatureRows: readonly Section[] = [
  {
    title: 'Presigned query',
    rows: [
      {
        rows: [1, 2, 3, 4, 5, 6],
        case: 'missing parameters; another algorithm, credential, scope or date',
        answer: 'AQPE',
        tests: ['s3/presigned', 'sigv4/verify-presigned'],
      },
      {
        rows: [7, 8],
        case: 'X-Amz-Expires is not a number, negative, or over a week; 0',
        answer: 'AQPE; AD',
        tests: ['s3/presigned', 'sigv4/verify-presigned'],
      },
      { rows: [9, 10], case: 'expired; dated in the future', answer: 'AD, with both times', tests: ['s3/presigned'] },
      {
        rows: [11],
        case: 'unknown access key',
        answer: '403 InvalidAccessKeyId',
        tests: ['s3/presigned', 'security/rows-writes'],
      },
      {
        rows: [12],
        case: 'another secret, method, key, host, port, query or date',
        answer: 'SDNM',
        tests: ['s3/presigned', 'security/rows-presigned', 'sigv4/mutation'],
      },
      {
        rows: [13],
        case: 'a signature that is too short, too long, upper case or not hex',
        answer: 'SDNM',
        tests: ['s3/presigned', 'security/rows-presigned'],
      },
      {
        rows: [14, 15],
        case: 'any unsigned x-amz-* header except x-amz-content-sha256',
        answer: 'AD, HeadersNotSigned',
        tests: ['security/rows-presigned', 's3/presigned'],
      },
      {
        rows: [16],
        case: 'SignedHeaders without host',
        answer: 'AD',
        tests: ['security/rows-presigned', 'sigv4/verify-presigned'],
      },
      {
        rows: [17],
        case: 'a signed header that is missing, or differs from its parameter; an unsigned header that is also a parameter',
        answer: 'SDNM; AD, HeadersNotSigned',
        tests: ['s3/presigned', 'sigv4/verify-presigned', 's3/hoisted-headers'],
      },
      {
        rows: [18],
        case: 'a changed content-type that was signed; one that was not signed',
        answer: 'SDNM; accepted',
        tests: ['security/rows-presigned', 's3/presigned'],
      },
      {
        rows: [19],
        case: 'a wrong checksum in the query; in a header',
        answer: 'ignored; enforced',
        tests: ['s3/presigned', 's3/hoisted-headers'],
      },
      {
        rows: [20],
        case: 'a duplicate parameter, brackets, `__proto__`; more than 100 parameters',
        answer: 'IA; IR',
        tests: ['security/rows-presigned', 'sigv4/verify-presigned', 's3/hoisted-headers'],
      },
      { rows: [21], case: 'appended parameters', answer: 'SDNM', tests: ['security/rows-presigned'] },
      {
        rows: [22],
        case: 'with an Authorization header, except one of our bearer tokens on a valid GET or HEAD',
        answer: 'IA',
        tests: ['security/rows-presigned', 's3/presigned', 'api/redirects'],
      },
      {
        rows: [23],
        case: 'signature version 2 if `objects.sigV2` does not allow it; with query parameters that it does not sign',
        answer: 'IR; AD or SDNM',
        tests: ['security/rows-version-2', 's3/version-2', 'sigv4/version-2', 's3/presigned'],
      },
      {
        rows: [24],
        case: 'a security token that was never issued',
        answer: 'AQPE',
        tests: ['s3/presigned', 'sigv4/verify-presigned'],
      },
      {
        rows: [25, 27],
        case: 'unusual keys, `+`, `?`, `#`',
        answer: 'accepted; each names exactly one key',
        tests: ['s3/presigned', 'sigv4/clients', 'sigv4/presign', 'sigv4/encode'],
      },
      {
        rows: [26],
        case: 'duplicate metadata, spaces, UTF-8, `__proto__`',
        answer: 'accepted, and returned as sent',
        tests: ['s3/presigned', 'security/rows-headers'],
      },
    ],
  },
  {
    title: 'Header authentication and streams',
    rows: [
      {
        rows: [28],
        case: 'an Authorization header with another scheme; with malformed parts',
        answer: 'IA; 400 AuthorizationHeaderMalformed',
        tests: ['security/rows-writes', 'sigv4/verify-header'],
      },
      {
        rows: [29],
        case: 'clock off by more than 15 minutes; no date',
        answer: '403 RequestTimeTooSkewed; AD',
        tests: ['security/rows-writes', 'sigv4/verify-header'],
      },
      { rows: [30], case: 'row 14 with an Authorization header', answer: 'AD', tests: ['security/rows-writes'] },
      {
        rows: [31],
        case: 'an invalid content-sha256; one of other bytes',
        answer: 'IA; 400 XAmzContentSHA256Mismatch',
        tests: ['s3/refusals'],
      },
      {
        rows: [32, 33],
        case: 'an unsigned stream with a forged signature, in header or query',
        answer: 'SDNM; 400 or 403',
        tests: ['security/rows-writes', 's3/streaming'],
      },
      {
        rows: [34],
        case: '18 writing routes × 19 forged identities, and forms',
        answer: 'rejected',
        tests: ['security/rows-writes'],
      },
      {
        rows: [35, 36, 37, 38, 39],
        case: 'signatures, framing, lengths, sizes and trailers of chunks',
        answer: 'as on S3; no object is created',
        tests: ['s3/streaming', 'sigv4/aws-chunked'],
      },
      { rows: [40], case: 'a stream for an operation without a body', answer: '400', tests: ['s3/refusals'] },
      {
        rows: [41],
        case: 'bodies that the JS SDK streams',
        answer: 'accepted',
        tests: ['s3/streaming', 'sigv4/clients'],
      },
    ],
  },
]
