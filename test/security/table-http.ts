/** Cases of forms and of HTTP itself. */
import type { Section } from './table.ts'

export const httpRows: readonly Section[] = [
  {
    title: 'Form uploads',
    rows: [
      { rows: [42], case: 'no multipart; no boundary', answer: '412; 400 MalformedPOSTRequest', tests: ['s3/form'] },
      {
        rows: [43, 44, 45],
        case: 'fields of the signature, the policy, its time',
        answer: 'IA, AD, SDNM, 400 InvalidPolicyDocument',
        tests: ['s3/form', 'sigv4/post-policy'],
      },
      {
        rows: [46, 47],
        case: 'conditions that fail; fields not covered',
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
        case: 'every kind of condition is enforced',
        answer: 'fails a test if it is not',
        tests: ['sigv4/post-policy'],
      },
      { rows: [51], case: 'a field or JSON name twice', answer: '400', tests: ['s3/form', 'sigv4/post-policy'] },
      {
        rows: [52, 53],
        case: 'keys with dot segments, of slashes alone, by `${filename}`',
        answer: '400 InvalidURI',
        tests: ['s3/form', 'security/rows-forms'],
      },
      {
        rows: [54],
        case: 'fields behind the file; a redirect off the list',
        answer: 'ignored; none',
        tests: ['s3/form'],
      },
      {
        rows: [55],
        case: 'bad part headers, quotes, ends, sizes, names that no header has',
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
        case: 'smuggling shapes on both origins',
        answer: '400, 413, 501; no second request is seen',
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
        case: 'foreign Host',
        answer: 'never in a URL; in dev mode nobody',
        tests: ['api/requests', 'security/rows-dev'],
      },
      {
        rows: [59],
        case: 'X-Forwarded-*, Forwarded, X-Original-URL, method overrides',
        answer: 'not read; in dev mode nobody',
        tests: ['security/rows-http', 'security/rows-dev', 'http/headers', 'security/review-requests'],
      },
      { rows: [60], case: 'Referer', answer: 'never a target of a redirect', tests: ['security/rows-http'] },
      {
        rows: [61],
        case: 'headers or URL over 16 KB; a chunk extension',
        answer: '431; 413',
        tests: ['security/rows-http', 'http/server', 'security/rows-early'],
      },
      {
        rows: [62],
        case: 'slow headers, slow bodies; honest slow ones',
        answer: '408; go on',
        tests: ['http/server', 'http/limits'],
      },
      {
        rows: [63],
        case: 'the sender leaves within the body',
        answer: 'nothing stays; the reservation goes with the upload',
        tests: ['s3/refusals', 'service/collect-expired'],
      },
      {
        rows: [64],
        case: 'no length; too long; what follows a refusal',
        answer: '411; EntityTooLarge, closed; not looked at',
        tests: ['s3/refusals', 'security/rows-presigned', 'security/rows-http'],
      },
      {
        rows: [65],
        case: 'Expect: 100-continue with bad credentials',
        answer: '403 or 401 without a 100',
        tests: ['s3/refusals', 'http/server', 'api/input'],
      },
      {
        rows: [66, 67],
        case: 'digests; ranges',
        answer: 'InvalidDigest, BadDigest; 416, one 200',
        tests: ['s3/refusals'],
      },
      {
        rows: [68],
        case: 'escapes that are none',
        answer: '400 InvalidURI',
        tests: ['s3/refusals', 'security/rows-presigned'],
      },
      {
        rows: [69],
        case: 'JSON of another type, too big, too deep, `__proto__`',
        answer: '415, 413, 400',
        tests: ['api/input', 'security/rows-content', 'security/rows-work'],
      },
      { rows: [70], case: 'preconditions on what is forbidden', answer: 'AD', tests: ['s3/refusals'] },
    ],
  },
]
