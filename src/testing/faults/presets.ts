/**
 * Fault presets: bad days that users of object stores have reported, as fault rules. Each names the issue that describes
 * it. `postern exec --fault NAME` and `fault('NAME')` turn one into visible rules.
 */
import type { RuleInput } from './rule.ts'

type Preset = {
  /** What happens, in one sentence. */
  summary: string
  /** A public report. */
  source: string
  rules: readonly RuleInput[]
}

const writes = ['PutObject', 'UploadPart', 'PostObject']
const reads = ['GetObject']
const slowInBody = ['CompleteMultipartUpload', 'CopyObject', 'UploadPartCopy']

export const presets = {
  'slow-down': {
    summary: 'Three writes in a row are answered 503 SlowDown.',
    source: 'cdklabs/construct-hub#1438',
    rules: [{ match: { operation: writes }, when: { times: 3 }, effect: { error: { code: 'SlowDown' } } }],
  },
  'internal-error': {
    summary: 'One request is answered 500 InternalError.',
    source: 'awslabs/aws-sdk-rust#1163',
    rules: [{ match: { api: 'objects' }, when: { times: 1 }, effect: { error: { code: 'InternalError' } } }],
  },
  'error-in-200': {
    summary: 'The answer begins with 200 and blanks, and then has an error. Nothing is applied.',
    source: 'aws/aws-sdk-java-v2#7068',
    rules: [
      {
        match: { operation: slowInBody },
        when: { times: 1 },
        effect: { error: { code: 'InternalError', in200: true } },
      },
    ],
  },
  'busy-node': {
    summary: 'Every request of one connection is answered 503. A new connection works.',
    source: 'mastodon/mastodon#30030',
    rules: [
      {
        match: { api: 'objects' },
        when: { times: 1, per: 'connection' },
        effect: { error: { code: 'ServiceUnavailable', message: 'no tomes available' } },
      },
    ],
  },
  'lost-answer': {
    summary: 'A write takes effect, and the connection is reset before the answer.',
    source: 'ClickHouse/ClickHouse#114375',
    rules: [
      {
        match: { operation: [...writes, 'CompleteMultipartUpload', 'DeleteObject', '/files/confirm'] },
        when: { times: 1 },
        applied: true,
        effect: { reset: { at: 'headers' } },
      },
    ],
  },
  'write-conflict': {
    summary: 'One write is answered 409 ConditionalRequestConflict.',
    source: 'apache/opendal#6741',
    rules: [
      {
        match: { operation: [...writes, 'CompleteMultipartUpload'] },
        when: { times: 1 },
        effect: { error: { code: 'ConditionalRequestConflict' } },
      },
    ],
  },
  'cut-download': {
    summary: 'The connection of one download is reset after half of the bytes.',
    source: 'aws/aws-sdk-js-v3#4897',
    rules: [{ match: { operation: reads }, when: { times: 1 }, effect: { reset: { at: '50%' } } }],
  },
  'hung-download': {
    summary: 'One download stops after half of the bytes, and the connection stays open.',
    source: 'aws/aws-sdk-js-v3#8098',
    rules: [{ match: { operation: reads }, when: { times: 1 }, effect: { stall: { at: '50%' } } }],
  },
  'hung-request': {
    summary: 'One request is never answered.',
    source: 'aws/aws-sdk-js-v3#5561',
    rules: [{ match: { api: 'objects' }, when: { times: 1 }, effect: { stall: { at: 'request' } } }],
  },
  'idle-upload': {
    summary: 'One upload is answered 400 RequestTimeout after half of its bytes, and the connection is closed.',
    source: 'aws/aws-sdk-js#4573',
    rules: [
      { match: { operation: writes }, when: { times: 1 }, effect: { error: { code: 'RequestTimeout', at: '50%' } } },
    ],
  },
  skewed: {
    summary: 'The clock of the store is 20 minutes ahead of the client.',
    source: 'aws/aws-sdk-php#612',
    rules: [{ match: { api: 'objects' }, effect: { skew: { by: '20m' } } }],
  },
  'url-expired': {
    summary: 'One presigned request is refused as expired.',
    source: 'transloadit/uppy#1724',
    rules: [
      {
        match: { api: 'objects', presigned: true },
        when: { times: 1 },
        effect: { error: { code: 'AccessDenied', message: 'Request has expired' } },
      },
    ],
  },
  'token-expired': {
    summary: 'The session token of the credentials has expired.',
    source: 'boto/boto3#2392',
    rules: [{ match: { api: 'objects' }, when: { times: 1 }, effect: { error: { code: 'ExpiredToken' } } }],
  },
  'fresh-bucket': {
    summary: 'For 5 seconds after a bucket is created, its requests are redirected with 307.',
    source: 'boto/boto3#421',
    rules: [
      {
        match: { api: 'objects' },
        when: { after: { operation: 'CreateBucket', for: '5s' } },
        effect: { redirect: {} },
      },
    ],
  },
  'fresh-key': {
    summary: 'An access key is refused for its first 10 seconds.',
    source: 'Cloudflare R2 documentation, consistency model',
    rules: [{ match: { api: 'objects' }, when: { for: '10s' }, effect: { error: { code: 'InvalidAccessKeyId' } } }],
  },
  'cors-delay': {
    summary: 'Preflights are answered by the old rules for 30 seconds.',
    source: 'Cloudflare R2 documentation, CORS',
    rules: [{ match: { operation: 'preflight' }, effect: { stale: { for: '30s' } } }],
  },
  'etag-hidden': {
    summary: 'Browsers cannot read the ETag of an answer.',
    source: 'transloadit/uppy#1762',
    rules: [{ match: { api: 'objects' }, effect: { dropHeaders: ['access-control-expose-headers'] } }],
  },
  'cors-poisoned': {
    summary: 'Downloads have no CORS headers and no Vary, so that a cache serves them to every page.',
    source: 'whatwg/fetch#402',
    rules: [
      {
        match: { operation: reads },
        effect: { dropHeaders: ['access-control-allow-origin', 'access-control-expose-headers', 'vary'] },
      },
    ],
  },
  'cdn-remembers': {
    summary: 'Downloads are answered from a cache for 30 seconds, 404 included.',
    source: 'Cloudflare R2 documentation, caching',
    rules: [{ match: { operation: [...reads, 'HeadObject'] }, effect: { stale: { for: '30s' } } }],
  },
  'upload-gone': {
    summary: 'One multipart upload is forgotten before its next part.',
    source: 'peak/s5cmd#450',
    rules: [{ match: { operation: ['UploadPart'], part: 2 }, when: { times: 1 }, effect: { forgetUpload: true } }],
  },
  'stale-read': {
    summary: 'Reads and lists answer with what they showed first, for 5 seconds.',
    source: 'Tigris documentation, consistency',
    rules: [
      {
        match: { operation: [...reads, 'HeadObject', 'ListObjects', 'ListObjectsV2'] },
        effect: { stale: { for: '5s' } },
      },
    ],
  },
  'hot-key': {
    summary: 'More than one write per second to the same key is answered 429.',
    source: 'treg#456',
    rules: [
      {
        match: { operation: writes },
        when: { rate: { limit: 1, per: '1s', by: 'key' } },
        effect: { error: { code: 'TooManyRequests' } },
      },
    ],
  },
  phone: {
    summary: '64 KiB per second upwards, and one upload in five is reset on its way.',
    source: 'transloadit/uppy#1724',
    rules: [
      {
        match: { operation: writes },
        when: { probability: 0.2 },
        effect: { reset: { at: '50%' }, bandwidth: { up: 65_536 } },
      },
      { match: { operation: writes }, effect: { bandwidth: { up: 65_536 } } },
    ],
  },
  corrupt: {
    summary: 'One byte of one transfer is flipped.',
    source: 'Shopify/toxiproxy#451',
    rules: [{ match: { operation: [...writes, ...reads] }, when: { times: 1 }, effect: { corrupt: { at: '50%' } } }],
  },
  'disk-full': {
    summary: 'Writes are answered 507.',
    source: 'MinIO server source, XMinioStorageFull',
    rules: [
      {
        match: { operation: [...writes, 'CompleteMultipartUpload', '/files/upload-url', '/files/multipart'] },
        effect: { error: { code: 'InsufficientStorage' } },
      },
    ],
  },
} as const satisfies Record<string, Preset>

export type PresetName = keyof typeof presets

export const presetNames = Object.keys(presets) as PresetName[]

export const isPreset = (name: string): name is PresetName => Object.hasOwn(presets, name)
