/** Security cases of names, ownership, serving and storage. */
import type { Section } from './table.ts'

export const fileRows: readonly Section[] = [
  {
    title: 'Keys and paths',
    rows: [
      {
        rows: [71, 72],
        case: 'dot segments, in keys and copy sources',
        answer: '400',
        tests: ['s3/keys', 'security/rows-presigned'],
      },
      {
        rows: [73],
        case: '`%2F`',
        answer: 'names the key that was signed; in a bucket name 404',
        tests: ['security/rows-presigned', 'sigv4/encode'],
      },
      { rows: [74], case: 'control characters; over 1024 bytes', answer: '400; KeyTooLongError', tests: ['s3/keys'] },
      {
        rows: [75, 76],
        case: 'names that file systems or patterns confuse',
        answer: 'separate objects with literal names',
        tests: ['s3/keys', 'conformance/driver/object-keys', 'conformance/catalog/files'],
      },
      {
        rows: [77],
        case: "writes to the gateway's bucket, 21 with other keys, 23 without credentials",
        answer: 'AD',
        tests: ['security/rows-foreign', 's3/access'],
      },
      {
        rows: [78],
        case: 'symbolic links and pipes in the storage folder',
        answer: 'not followed',
        tests: ['drivers/disk-damage', 'security/review-files'],
      },
      {
        rows: [79, 80],
        case: 'files that the server creates',
        answer: 'random names inside the folder, opened exclusively',
        tests: ['security/rows-disk'],
      },
    ],
  },
  {
    title: 'Identity and the upload flow',
    rows: [
      { rows: [81, 82, 83], case: 'tokens with wrong algorithms, keys or claims', answer: '401', tests: ['api/auth'] },
      {
        rows: [84],
        case: 'uploads and files of other users; their cursors',
        answer: "404; a cursor only lists the caller's own files",
        tests: ['security/rows-foreign', 'api/invariants-uploads', 'api/multipart-refusals'],
      },
      {
        rows: [85],
        case: 'owner, key or status in a request body; x-internal-* metadata',
        answer: '400; ignored',
        tests: ['security/rows-content', 'api/input'],
      },
      {
        rows: [86],
        case: "11 attempts to change a confirmed file, with its URLs and the gateway's own key",
        answer: 'AD, 412; bytes and type are unchanged',
        tests: ['security/rows-sealed', 'api/invariants-uploads', 'conformance/driver/sealing'],
      },
      {
        rows: [87],
        case: '100 races of PUT and confirm; other bytes with the same MD5; the same bytes with another type',
        answer: 'the verified bytes are served',
        tests: ['api/invariants-uploads', 'security/rows-sealed'],
      },
      {
        rows: [88, 89],
        case: 'two confirms; a confirm that is too early, or of a different object',
        answer: '201 and 200; 409, 422',
        tests: ['api/invariants-uploads', 'api/flow'],
      },
      {
        rows: [90],
        case: 'If-None-Match: *',
        answer: '412; one of many writers succeeds',
        tests: ['s3/refusals', 'security/rows-sealed'],
      },
      {
        rows: [91],
        case: 'a revoked key',
        answer: 'its URLs stop working',
        tests: ['s3/key-rotation', 's3/gateway-key-rotation'],
      },
      {
        rows: [92],
        case: 'parts in the wrong order, unknown, of an aborted upload',
        answer: 'InvalidPartOrder, InvalidPart, NoSuchUpload',
        tests: ['s3/multipart', 'api/multipart-refusals', 'api/multipart-endings'],
      },
      {
        rows: [93],
        case: '50 concurrent requests for the last place in the quota; a wrong size; parts beyond the grant',
        answer: 'one succeeds; charged with the real size, or rejected',
        tests: ['api/invariants-uploads', 'api/multipart-refusals'],
      },
      { rows: [94], case: 'a flood of unfinished uploads', answer: '429', tests: ['api/limits'] },
      {
        rows: [95],
        case: 'a rate limit, evaded with X-Forwarded-For, other tokens, or other spellings of a route',
        answer: 'the same limit applies',
        tests: ['api/limits', 'api/without-credentials', 'security/rows-http', 'security/review-requests'],
      },
      { rows: [96], case: 'weak secrets', answer: 'the server does not start', tests: ['config/check-safety'] },
    ],
  },
  {
    title: 'Serving content',
    rows: [
      {
        rows: [97, 98],
        case: 'HTML, SVG, PDF, lists of types, overrides of the type',
        answer: 'attachment, sandbox, nosniff',
        tests: [
          's3/serving',
          'security/rows-content',
          'api/invariants-serving',
          'api/integrity-suite',
          'api/public-pending-suite',
        ],
      },
      {
        rows: [99],
        case: 'dispositions and file names with control characters, quotes and bidi marks',
        answer: 'IA; or harmless',
        tests: ['s3/serving', 'security/rows-content'],
      },
      {
        rows: [100, 101, 102],
        case: 'bytes of another type; containers; huge images',
        answer: '422; the work is limited',
        tests: ['api/content', 'service/type-agreement', 'service/image-size', 'api/integrity-suite'],
      },
      {
        rows: [103],
        case: 'DOCTYPE, entities, broken XML',
        answer: '400 MalformedXML',
        tests: ['s3/documents', 'security/rows-work'],
      },
      {
        rows: [104],
        case: 'unknown origins; the same on an authorised GetObject or HeadObject; CORS rules that would break responses',
        answer: 'no Access-Control-Allow-Origin; `*` without credentials, except for the published development key; IR',
        tests: ['s3/serving', 'api/redirects', 'api/auth', 'http/headers', 'security/rows-headers'],
      },
      {
        rows: [105],
        case: 'signed reads in caches and other pages',
        answer: '`private`, no cookie, no referrer',
        tests: ['s3/serving'],
      },
      {
        rows: [106],
        case: 'logs and error messages',
        answer: 'contain nothing that grants access, no path and no SQL',
        tests: [
          'security/rows-content',
          's3/serving',
          'http/headers',
          'security/leak-check',
          'security/review-requests',
        ],
      },
      {
        rows: [107],
        case: 'webhooks to loopback or link-local addresses, by name, rebinding or redirect',
        answer: 'refused when connecting, by the resolved address; redirects are not followed',
        tests: ['security/rows-webhooks', 'service/webhooks-retries', 'config/check-safety'],
      },
      {
        rows: [108],
        case: 'metrics without credentials',
        answer: 'allowed on loopback only; otherwise 401 or 403',
        tests: ['api/metrics', 'security/review-requests'],
      },
    ],
  },
  {
    title: 'Durability',
    rows: [
      {
        rows: [109, 110, 111],
        case: 'a power cut after a rename, before the directory or its new ancestors are synced',
        answer: 'bytes, directory and ancestors are synced before the response',
        tests: ['faults/power-cut', 'faults/write-order', 'drivers/disk-durability'],
      },
      {
        rows: [112],
        case: 'a kill while an object is replaced',
        answer: 'the old or the new object, never a mixture',
        tests: ['faults/kills', 'drivers/disk-crash'],
      },
      {
        rows: [113],
        case: 'fsync returns EIO',
        answer: '500; the temporary file is deleted, writes stop, reads continue',
        tests: ['faults/sync-failures', 'drivers/disk-durability'],
      },
      {
        rows: [114],
        case: 'no space, no quota, no descriptors',
        answer: '507, 503; reads continue, and a retry succeeds',
        tests: ['faults/full-disk', 'faults/system-calls', 'drivers/disk-durability', 'security/review-audit'],
      },
      {
        rows: [115],
        case: 'SIGKILL at any point',
        answer: 'acknowledged data reads back; orphans are swept',
        tests: ['faults/kills', 'faults/sync-failures', 'drivers/disk-crash', 'drivers/disk-sweep'],
      },
      {
        rows: [116],
        case: 'a power cut during commits of the two databases',
        answer: 'the catalog syncs every commit; the index commits only what a synced log record covers',
        tests: ['faults/power-cut', 'catalog/sqlite', 'drivers/disk-index', 'security/rows-sqlite'],
      },
      {
        rows: [117],
        case: 'an SQLite version that corrupts its WAL',
        answer: 'Postern uses at least 3.51.3',
        tests: ['security/rows-sqlite'],
      },
      {
        rows: [118],
        case: 'a flipped bit in a stored file',
        answer: 'the response is cut off; `postern verify` finds the damage',
        tests: ['security/integrity', 'drivers/disk-verify', 'drivers/disk-scrub', 'cli/verify'],
      },
      {
        rows: [119],
        case: 'a full, busy or damaged database; a backup while it is written',
        answer: '503; the backup contains what was committed',
        tests: ['faults/databases', 'faults/full-disk', 'backup/while-used'],
      },
    ],
  },
]
