/**
 * `objects.sendfile`: this process authorises the request and sends the headers. The server in front reads the bytes
 * from disk. A header, which that server removes, names the file.
 */
import type { LocalFile, StoredObject } from '../drivers/driver.ts'
import type { AnswerHeaders } from './answer.ts'
import type { S3Context, SendFile } from './context.ts'
import { checksumHeaderNames } from './object-headers.ts'
import type { ReadInput } from './read-object.ts'

/** The path of nginx's internal location. No bucket can have this name, so it hides no object. */
export const internalLocation = '/_postern_blobs/'

/**
 * Headers that reach the client through ops/nginx/postern.conf. With X-Accel-Redirect nginx keeps some headers, and
 * the internal location adds others by name. A response with any other header is sent by this process.
 */
export const forwardedHeaders: ReadonlySet<string> = new Set([
  // Kept by nginx.
  'cache-control',
  'content-disposition',
  'content-type',
  'expires',
  // Added by the location.
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'access-control-max-age',
  'content-encoding',
  'content-language',
  'content-security-policy',
  'cross-origin-resource-policy',
  'etag',
  'last-modified',
  'referrer-policy',
  'vary',
  ...checksumHeaderNames,
  'x-amz-id-2',
  'x-amz-request-id',
  'x-amz-tagging-count',
  'x-amz-version-id',
  'x-content-type-options',
])

/** Already evaluated here against our validators. The server in front would evaluate them against its file. */
const conditions = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']

/** Set by the sending server. nginx would send our Accept-Ranges next to its own. */
const byteHeaders = new Set(['accept-ranges', 'content-length', 'content-range'])

/** The headers of a 200 whose bytes another server sends. null if this process must send them. */
export function sendfileHeaders(
  ctx: S3Context,
  how: SendFile,
  { input, object, headers }: { input: ReadInput; object: StoredObject; headers: AnswerHeaders },
): AnswerHeaders | null {
  if (how === 'off' || !isPlain(ctx, input, object)) return null
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !byteHeaders.has(name))
  const names = [...kept.map(([name]) => name), ...ctx.res.getHeaderNames()]
  if (how === 'x-accel' && !names.every((name) => forwardedHeaders.has(name))) return null
  const file = object.localFile?.() ?? null
  if (file === null) return null
  return { ...Object.fromEntries(kept), ...pointer(how, file), 'content-length': 0 }
}

/** nginx answers 416 to tabs and to numbers above 2^63. */
const plainRange = /^bytes=\d{0,15}-\d{0,15}$/

/** Whether every server would send the same bytes for this request: the whole object or one plain range. */
function isPlain({ headers }: S3Context, input: ReadInput, object: StoredObject): boolean {
  if (input.options.partNumber !== undefined || conditions.some((name) => headers.has(name))) return false
  const range = headers.get('range')
  if (range === undefined) return object.range === undefined
  return object.range !== undefined && plainRange.test(range)
}

/** Apache and lighttpd decode the path. */
function pointer(how: 'x-accel' | 'x-sendfile', { file, below }: LocalFile): AnswerHeaders {
  if (how === 'x-accel') return { 'x-accel-redirect': internalLocation + below }
  return { 'x-sendfile': file.split(/[/\\]/).map(encodeURIComponent).join('/') }
}
