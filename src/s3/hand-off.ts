/**
 * `objects.sendfile`: the request is judged here and answered here but for the bytes, which the server in front reads
 * from the disk itself. It is told the file in a header that it takes out of the answer.
 */
import type { LyingFile, StoredObject } from '../drivers/driver.ts'
import type { AnswerHeaders } from './answer.ts'
import type { S3Context } from './context.ts'
import type { ReadInput } from './read-object.ts'

export type SendFile = 'off' | 'x-accel' | 'x-sendfile'

/** The path of nginx's internal location. No bucket can have this name, so no object is hidden by it. */
export const internalLocation = '/_postern_blobs/'

/**
 * What reaches the client through ops/nginx/postern.conf: nginx keeps some headers of an answer with X-Accel-Redirect,
 * and the internal location adds the others by name. An answer with any other header is sent by this process.
 */
export const passedOn: ReadonlySet<string> = new Set([
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
  'x-amz-checksum-crc32',
  'x-amz-checksum-crc32c',
  'x-amz-checksum-crc64nvme',
  'x-amz-checksum-md5',
  'x-amz-checksum-sha1',
  'x-amz-checksum-sha256',
  'x-amz-checksum-sha512',
  'x-amz-checksum-type',
  'x-amz-id-2',
  'x-amz-request-id',
  'x-amz-tagging-count',
  'x-amz-version-id',
  'x-content-type-options',
])

/** They held for our validators; the server in front would judge them again by those of its file. */
const conditions = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']

/** Said by the server that sends; nginx would keep our Accept-Ranges beside its own. */
const ofTheBytes = new Set(['accept-ranges', 'content-length', 'content-range'])

/** The headers of an answer whose bytes another server sends, with status 200; null where they are to be sent here. */
export function handOff(
  ctx: S3Context,
  how: SendFile,
  { input, object, headers }: { input: ReadInput; object: StoredObject; headers: AnswerHeaders },
): AnswerHeaders | null {
  if (how === 'off' || !isPlain(ctx, input, object)) return null
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !ofTheBytes.has(name))
  const names = [...kept.map(([name]) => name), ...ctx.res.getHeaderNames()]
  if (how === 'x-accel' && !names.every((name) => passedOn.has(name))) return null
  const file = object.lyingFile?.() ?? null
  if (file === null) return null
  return { ...Object.fromEntries(kept), ...pointer(how, file), 'content-length': 0 }
}

/** nginx answers 416 to tabs, and to numbers beyond 2^63. */
const plainRange = /^bytes=\d{0,15}-\d{0,15}$/

/** Whether any server that gets this request sends what we would: all of it, or the one range that was asked for. */
function isPlain({ headers }: S3Context, input: ReadInput, object: StoredObject): boolean {
  if (input.options.partNumber !== undefined || conditions.some((name) => headers.has(name))) return false
  const range = headers.get('range')
  if (range === undefined) return object.range === undefined
  return object.range !== undefined && plainRange.test(range)
}

/** Apache and lighttpd decode the path. */
function pointer(how: 'x-accel' | 'x-sendfile', { file, below }: LyingFile): AnswerHeaders {
  if (how === 'x-accel') return { 'x-accel-redirect': internalLocation + below }
  return { 'x-sendfile': file.split(/[/\\]/).map(encodeURIComponent).join('/') }
}
