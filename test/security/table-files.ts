/** Cases of what is named, owned, served and kept. */
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
        answer: "names the key that was signed; in a bucket's name 404",
        tests: ['security/rows-presigned', 'sigv4/encode'],
      },
      { rows: [74], case: 'controls; over 1024 bytes', answer: '400; KeyTooLongError', tests: ['s3/keys'] },
      {
        rows: [75, 76],
        case: 'names that file systems or patterns confuse',
        answer: 'apart, literal',
        tests: ['s3/keys', 'conformance/driver/keys', 'conformance/catalog/files'],
      },
      {
        rows: [77],
        case: "the gateway's bucket, 21 ways by other keys, 23 by nobody",
        answer: 'AD',
        tests: ['security/rows-foreign', 's3/access'],
      },
      {
        rows: [78],
        case: 'planted links and pipes',
        answer: 'not followed',
        tests: ['drivers/disk-damage', 'security/review-files'],
      },
      {
        rows: [79, 80],
        case: 'what is opened: random names inside of the folder, exclusively',
        answer: '',
        tests: ['security/rows-disk'],
      },
    ],
  },
  {
    title: 'Identity and the upload flow',
    rows: [
      { rows: [81, 82, 83], case: 'algorithms, keys and claims of tokens', answer: '401', tests: ['api/auth'] },
      {
        rows: [84],
        case: "other users' uploads and files; cursors",
        answer: "404; one's own only",
        tests: ['security/rows-foreign', 'api/invariants-uploads', 'api/multipart-refusals'],
      },
      {
        rows: [85],
        case: 'owner, key, status; x-internal-*',
        answer: '400; dropped',
        tests: ['security/rows-content', 'api/input'],
      },
      {
        rows: [86],
        case: "a confirmed file against its URLs and the gateway's own key, 11 ways",
        answer: 'AD, 412; bytes and type unchanged',
        tests: ['security/rows-sealed', 'api/invariants-uploads', 'conformance/driver/sealing'],
      },
      {
        rows: [87],
        case: 'PUT racing confirm, 100 times; other bytes with the same MD5; the same bytes under another type',
        answer: 'verified is served',
        tests: ['api/invariants-uploads', 'security/rows-sealed'],
      },
      {
        rows: [88, 89],
        case: 'two confirms; too early, or of something else',
        answer: '201 and 200; 409, 422',
        tests: ['api/invariants-uploads', 'api/flow'],
      },
      {
        rows: [90],
        case: 'If-None-Match: *',
        answer: '412; one of many wins',
        tests: ['s3/refusals', 'security/rows-sealed'],
      },
      {
        rows: [91],
        case: 'a key revoked',
        answer: 'its URLs end',
        tests: ['s3/key-rotation', 's3/gateway-key-rotation'],
      },
      {
        rows: [92],
        case: 'parts out of order, unknown, aborted',
        answer: 'InvalidPartOrder, InvalidPart, NoSuchUpload',
        tests: ['s3/multipart', 'api/multipart-refusals', 'api/multipart-endings'],
      },
      {
        rows: [93],
        case: '50 requests for one slot; a lie about the size; parts beyond the grant',
        answer: 'one; charged or refused',
        tests: ['api/invariants-uploads', 'api/multipart-refusals'],
      },
      { rows: [94], case: 'a flood of pending uploads', answer: '429', tests: ['api/limits'] },
      {
        rows: [95],
        case: 'X-Forwarded-For, other tokens, other spellings of a route',
        answer: 'the same allowance',
        tests: ['api/limits', 'api/without-credentials', 'security/rows-http', 'security/review-requests'],
      },
      { rows: [96], case: 'weak secrets', answer: 'no start', tests: ['config/check-safety'] },
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
        case: 'dispositions and filenames with controls, quotes, bidi marks',
        answer: 'IA; harmless',
        tests: ['s3/serving', 'security/rows-content'],
      },
      {
        rows: [100, 101, 102],
        case: 'bytes that are not their type; containers; huge images',
        answer: '422; bounded',
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
        case: 'unknown origins; on an authorised GetObject or HeadObject; CORS rules that would break answers',
        answer: 'no ACAO; `*` without credentials, not for published keys; IR',
        tests: ['s3/serving', 'api/redirects', 'api/auth', 'http/headers', 'security/rows-headers'],
      },
      { rows: [105], case: 'signed reads', answer: 'private, no cookie, no referrer', tests: ['s3/serving'] },
      {
        rows: [106],
        case: 'log and errors',
        answer: 'hold nothing that grants access, no path, no SQL',
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
        case: 'webhooks to loopback or link-local, by name, rebinding or redirect',
        answer: 'refused at connect, by the address that is connected to; redirects are not followed',
        tests: ['security/rows-webhooks', 'service/webhooks-retries', 'config/check-safety'],
      },
      {
        rows: [108],
        case: 'metrics without credentials',
        answer: 'on loopback only; elsewhere 401 or 403',
        tests: ['api/metrics', 'security/review-requests'],
      },
    ],
  },
  {
    title: 'Durability',
    rows: [
      {
        rows: [109, 110, 111],
        case: 'a power cut behind a rename, before the directory or its new ancestors are synced',
        answer: 'bytes, directory and ancestors are synced before the answer',
        tests: ['faults/power-cut', 'faults/write-order', 'drivers/disk-durability'],
      },
      {
        rows: [112],
        case: 'a kill while an object is replaced',
        answer: 'never in place: the old object or the new one',
        tests: ['faults/kills', 'drivers/disk-crash'],
      },
      {
        rows: [113],
        case: 'fsync answers EIO',
        answer: '500, the temporary file goes, writes stop, reads go on',
        tests: ['faults/sync-failures', 'drivers/disk-durability'],
      },
      {
        rows: [114],
        case: 'no space, no quota, no descriptors',
        answer: '507, 503; reads go on, a retry succeeds',
        tests: ['faults/full-disk', 'faults/system-calls', 'drivers/disk-durability', 'security/review-audit'],
      },
      {
        rows: [115],
        case: 'SIGKILL at any point',
        answer: 'what was acknowledged reads back; orphans are swept',
        tests: ['faults/kills', 'faults/sync-failures', 'drivers/disk-crash', 'drivers/disk-sweep'],
      },
      {
        rows: [116],
        case: 'commits of the two databases at a power cut',
        answer: 'the catalog syncs every commit; the index commits only what a synced log record covers',
        tests: ['faults/power-cut', 'catalog/sqlite', 'drivers/disk-index', 'security/rows-sqlite'],
      },
      {
        rows: [117],
        case: 'a SQLite that corrupts its WAL',
        answer: 'at least 3.51.3',
        tests: ['security/rows-sqlite'],
      },
      {
        rows: [118],
        case: 'a bit flipped in a stored file',
        answer: 'the answer is cut off; `postern verify` finds it',
        tests: ['security/integrity', 'drivers/disk-verify', 'drivers/disk-scrub', 'cli/verify'],
      },
      {
        rows: [119],
        case: 'a database that is full, busy or damaged; a backup while it is written',
        answer: '503; the backup holds what was committed',
        tests: ['faults/databases', 'faults/full-disk', 'backup/while-used'],
      },
    ],
  },
]
