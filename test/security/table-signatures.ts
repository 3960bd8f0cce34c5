/** Cases of signatures, in the query and in the header. */
import type { Section } from './table.ts'

export const signatureRows: readonly Section[] = [
  {
    title: 'Presigned query',
    rows: [
      {
        rows: [1, 2, 3, 4, 5, 6],
        case: 'parameters missing, other algorithm, credential, scope or date',
        answer: 'AQPE',
        tests: ['s3/presigned', 'sigv4/verify-presigned'],
      },
      {
        rows: [7, 8],
        case: 'X-Amz-Expires is no number, negative, over a week; 0',
        answer: 'AQPE; AD',
        tests: ['s3/presigned', 'sigv4/verify-presigned'],
      },
      { rows: [9, 10], case: 'expired; dated ahead', answer: 'AD, with the times', tests: ['s3/presigned'] },
      {
        rows: [11],
        case: 'unknown access key',
        answer: '403 InvalidAccessKeyId',
        tests: ['s3/presigned', 'security/rows-writes'],
      },
      {
        rows: [12],
        case: 'secret, method, key, host, port, query, date changed',
        answer: 'SDNM',
        tests: ['s3/presigned', 'security/rows-presigned', 'sigv4/mutation'],
      },
      {
        rows: [13],
        case: 'a signature that is short, long, upper case or no hex',
        answer: 'SDNM',
        tests: ['s3/presigned', 'security/rows-presigned'],
      },
      {
        rows: [14, 15],
        case: 'any unsigned x-amz-* but x-amz-content-sha256',
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
        case: 'a signed header absent, or another than its parameter; an unsigned one that is also a parameter',
        answer: 'SDNM; AD, HeadersNotSigned',
        tests: ['s3/presigned', 'sigv4/verify-presigned', 's3/hoisted-headers'],
      },
      {
        rows: [18],
        case: 'a signed content-type changed; one that is unsigned',
        answer: 'SDNM; accepted',
        tests: ['security/rows-presigned', 's3/presigned'],
      },
      {
        rows: [19],
        case: 'a checksum in the query; in a header',
        answer: 'ignored; enforced',
        tests: ['s3/presigned', 's3/hoisted-headers'],
      },
      {
        rows: [20],
        case: 'a parameter twice, brackets, `__proto__`; more than 100 parameters',
        answer: 'IA; IR',
        tests: ['security/rows-presigned', 'sigv4/verify-presigned', 's3/hoisted-headers'],
      },
      { rows: [21], case: 'parameters appended', answer: 'SDNM', tests: ['security/rows-presigned'] },
      {
        rows: [22],
        case: 'with Authorization, but for a bearer token of ours on a valid GET or HEAD',
        answer: 'IA',
        tests: ['security/rows-presigned', 's3/presigned', 'api/redirects'],
      },
      {
        rows: [23],
        case: 'signature version 2 where `objects.sigV2` does not accept it, or with anything that it does not sign',
        answer: 'IR; AD or SDNM',
        tests: ['security/rows-version-2', 's3/version-2', 'sigv4/version-2', 's3/presigned'],
      },
      {
        rows: [24],
        case: 'a security token never issued',
        answer: 'AQPE',
        tests: ['s3/presigned', 'sigv4/verify-presigned'],
      },
      {
        rows: [25, 27],
        case: 'odd keys, `+`, `?`, `#`',
        answer: 'verify, and name one key',
        tests: ['s3/presigned', 'sigv4/clients', 'sigv4/presign', 'sigv4/encode'],
      },
      {
        rows: [26],
        case: 'metadata twice, spaces, UTF-8, `__proto__`',
        answer: 'verifies, comes back as sent',
        tests: ['s3/presigned', 'security/rows-headers'],
      },
    ],
  },
  {
    title: 'Header authentication and streams',
    rows: [
      {
        rows: [28],
        case: 'Authorization that is none; in which parts are wrong',
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
        case: "content-sha256 that is none; that is another's",
        answer: 'IA; 400 XAmzContentSHA256Mismatch',
        tests: ['s3/refusals'],
      },
      {
        rows: [32, 33],
        case: 'an unsigned stream by a made-up signature, in header or query',
        answer: 'SDNM; 400 or 403',
        tests: ['security/rows-writes', 's3/streaming'],
      },
      {
        rows: [34],
        case: '18 writing routes × 19 false identities, and forms',
        answer: 'refused',
        tests: ['security/rows-writes'],
      },
      {
        rows: [35, 36, 37, 38, 39],
        case: 'signatures, framing, lengths, sizes and trailers of chunks',
        answer: 'as S3, no object',
        tests: ['s3/streaming', 'sigv4/aws-chunked'],
      },
      { rows: [40], case: 'a stream where no body is taken', answer: '400', tests: ['s3/refusals'] },
      {
        rows: [41],
        case: 'bodies as the JS SDK streams them',
        answer: 'work',
        tests: ['s3/streaming', 'sigv4/clients'],
      },
    ],
  },
]
