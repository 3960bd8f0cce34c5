/** Security cases of forms and of HTTP. */
import type { Section } from './table.ts'

export const httpRows: readonly Section[] = [
  {
    title: 'Form uploads',
    rows: [
      { rows: [42], case: 'not multipart; no boundary', answer: '412; 400 MalformedPOSTRequest', tests: ['s3/form'] },
      {
        rows: [43, 44, 45],
        case: 'wrong signature fields; an edited or expired policy',
        answer: 'IA, AD, SDNM, 400 InvalidPolicyDocument',
        tests: ['s3/form', 'sigv4/post-policy'],
      },
      {
        rows: [46, 47],
        case: 'conditions that fail; fields that the policy does not cover',
        answer: 'AD',
        tests: ['s3/form', 'sigv4/post-policy'],
      },
      {
        rows: [48, 49],
        case: 'content-length-range',
        answer: 'EntityTooLarge, EntityTooSmall; AD, 400',
        tests: ['s3/form', 'sigv4/post-policy'],
      },
      {
        rows: [50],
        case: 'every kind of condition',
        answer: 'AD; a test fails if one is not enforced',
        tests: ['sigv4/post-policy'],
      },
      { rows: [51], case: 'a duplicate field or JSON name', answer: '400', tests: ['s3/form', 'sigv4/post-policy'] },
      {
        rows: [52, 53],
        case: 'keys with dot segments or only slashes, from `${filename}` too',
        answer: '400 InvalidURI',
        tests: ['s3/form', 'security/rows-forms'],
      },
      {
        rows: [54],
        case: 'fields after the file; a redirect to an origin that is not allowed',
        answer: 'ignored; no redirect',
        tests: ['s3/form'],
      },
      {
        rows: [55],
        case: 'invalid part headers, quotes, ends and sizes; names that are invalid in headers',
        answer: '400',
        tests: ['security/rows-forms', 'security/rows-headers', 's3/form', 's3/form-file'],
      },
    ],
  },
  {
    title: 'HTTP',
    rows: [
      {
        rows: [56],
        case: 'request smuggling on both origins',
        answer: '400, 413, 501; no second request is processed',
        tests: ['security/rows-http', 'http/server', 'security/rows-early'],
      },
      {
        rows: [57],
        case: 'TRACE, CONNECT, `*`, several Hosts or Authorization headers, absolute targets, fragments, upgrades, other expectations',
        answer: '4xx',
        tests: ['security/rows-http', 'api/redirects', 'api/requests', 's3/refusals', 'security/rows-early'],
      },
      {
        rows: [58],
        case: 'the Host of another site',
        answer: 'never appears in a URL; in dev mode, no user',
        tests: ['api/requests', 'security/rows-dev'],
      },
      {
        rows: [59],
        case: 'X-Forwarded-*, Forwarded, X-Original-URL, method overrides',
        answer: 'ignored; in dev mode, no user',
        tests: ['security/rows-http', 'security/rows-dev', 'http/headers', 'security/review-requests'],
      },
      { rows: [60], case: 'Referer', answer: 'never the target of a redirect', tests: ['security/rows-http'] },
      {
        rows: [61],
        case: 'headers or URL over 16 KB; a large chunk extension',
        answer: '431; 413',
        tests: ['security/rows-http', 'http/server', 'security/rows-early'],
      },
      {
        rows: [62],
        case: 'slow headers and bodies; slow but steady bodies',
        answer: '408; accepted',
        tests: ['http/server', 'http/limits'],
      },
      {
        rows: [63],
        case: 'the client disconnects during the body',
        answer: 'no bytes remain; the reservation lasts as long as the upload',
        tests: ['s3/refusals', 'service/collect-expired'],
      },
      {
        rows: [64],
        case: 'no length; a body that is too long; what follows a rejected request',
        answer: '411; EntityTooLarge and the connection is closed; not processed',
        tests: ['s3/refusals', 'security/rows-presigned', 'security/rows-http'],
      },
      {
        rows: [65],
        case: 'Expect: 100-continue with bad credentials',
        answer: '403 or 401 without 100 Continue',
        tests: ['s3/refusals', 'http/server', 'api/input'],
      },
      {
        rows: [66, 67],
        case: 'wrong digests; invalid ranges',
        answer: 'InvalidDigest, BadDigest; 416, or the whole object with 200',
        tests: ['s3/refusals'],
      },
      {
        rows: [68],
        case: 'invalid percent escapes',
        answer: '400 InvalidURI',
        tests: ['s3/refusals', 'security/rows-presigned'],
      },
      {
        rows: [69],
        case: 'JSON with another type, too large, too deep, or with `__proto__`',
        answer: '415, 413, 400',
        tests: ['api/input', 'security/rows-content', 'security/rows-work'],
      },
      {
        rows: [70],
        case: 'preconditions on an object that the caller may not read',
        answer: 'AD',
        tests: ['s3/refusals'],
      },
    ],
  },
]
