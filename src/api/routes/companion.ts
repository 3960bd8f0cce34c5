/**
 * The Companion routes that Uppy's S3 plugin calls, in versions 4, 5 and 6. Uppy never confirms, so these uploads are
 * confirmed automatically. A multipart upload is identified by the store's uploadId and its key.
 */
import type { Context } from 'koa'
import { abortMultipart } from '../../service/multipart/abort-multipart.ts'
import { beginMultipart } from '../../service/multipart/begin-multipart.ts'
import { beginUpload } from '../../service/uploads/begin-upload.ts'
import { completeMultipart } from '../../service/multipart/complete-multipart.ts'
import { issueParts, type IssuedPart } from '../../service/multipart/issue-parts.ts'
import { listUploadParts } from '../../service/multipart/list-upload-parts.ts'
import { multipartByKey } from '../../service/multipart/find-multipart.ts'
import { publicUrl } from '../../service/downloads/public-download.ts'
import { parseBegin, parseKey, parseParams, parsePartNumber, parsePartNumbers, parseParts } from '../companion-input.ts'
import type { ApiDeps, Call } from '../deps.ts'

/** Seconds. Uppy 6 signs a part once, reuses the URL for retries, and queues parts. */
const partUrlLife = 3600

export async function uploadParams({ ctx, deps, user }: Call): Promise<void> {
  const input = parseParams(ctx.query)
  const method = acceptsForm(ctx) && deps.stores.current.capabilities.has('presign-post') ? 'POST' : 'PUT'
  const issued = await beginUpload(deps, user, { ...input, method, autoConfirm: true, isNeverRenewed: true })
  const { url, headers, expiresIn, file } = issued
  answer(
    ctx,
    issued.fields
      ? { method: 'POST', url, fields: issued.fields, expires: expiresIn }
      : { method: 'PUT', url, fields: { key: file.key }, headers, expires: expiresIn },
  )
}

/**
 * Whether the client accepts a form. Uppy 6 sends only forms. Uppy 4 and 5 send either, but hang without an ETag,
 * which some stores do not return for a form. They are recognised by an Accept header of JSON alone.
 */
function acceptsForm(ctx: Context): boolean {
  const accept = ctx.get('accept')
  return !accept.includes('application/json') || accept.includes('*/*')
}

export async function createMultipart({ ctx, deps, user, body }: Call): Promise<void> {
  const { file, multipart } = await beginMultipart(deps, user, { ...parseBegin(body), autoConfirm: true })
  answer(ctx, { key: file.key, uploadId: multipart.uploadId, bucket: deps.config.storage.bucket })
}

export async function signPart(call: Call): Promise<void> {
  const { n = '' } = params(call.ctx)
  const [part] = await sign(call, [parsePartNumber(n)])
  if (!part) return
  const { url, headers, expiresIn } = part
  // Uppy uses `expires` as the time limit for sending the part. A short URL lifetime must not shorten it.
  answer(call.ctx, { url, headers, ...(expiresIn < partUrlLife ? {} : { expires: expiresIn }) })
}

export async function signParts(call: Call): Promise<void> {
  const parts = await sign(call, parsePartNumbers(call.ctx.query['partNumbers']))
  answer(call.ctx, { presignedUrls: Object.fromEntries(parts.map(({ partNumber, url }) => [partNumber, url])) })
}

export async function listSentParts(call: Call): Promise<void> {
  const { id } = await uploadOf(call)
  const { parts } = await listUploadParts(call.deps, call.user, id)
  answer(
    call.ctx,
    parts.map(({ partNumber, etag, contentLength }) => ({
      PartNumber: partNumber,
      ETag: `"${etag}"`,
      Size: contentLength,
    })),
  )
}

export async function joinParts(call: Call): Promise<void> {
  const { ctx, deps, user, body } = call
  const parts = parseParts(body)
  const { file } = await completeMultipart(deps, user, { ...(await uploadOf(call)), parts })
  const location = publicUrl(deps, file) ?? `${deps.urls.api()}/files/${file.id}/content`
  answer(ctx, { location, key: file.key, bucket: deps.config.storage.bucket })
}

/** Answers `{}`, because Uppy parses every response as JSON. */
export async function cancelMultipart(call: Call): Promise<void> {
  const { id } = await uploadOf(call)
  await abortMultipart(call.deps, call.user, id)
  answer(call.ctx, {})
}

async function sign(call: Call, partNumbers: number[]): Promise<IssuedPart[]> {
  const { id } = await uploadOf(call)
  return issueParts(call.deps, call.user, { id, partNumbers, expiresIn: lifetimeOfParts(call.deps) })
}

function lifetimeOfParts({ config: { uploads }, stores: { current } }: ApiDeps): number {
  const wanted = Math.max(partUrlLife, uploads.expiresIn)
  return Math.max(1, Math.floor(Math.min(wanted, uploads.maxExpiresIn, current.limits.maxExpiresIn)))
}

const uploadOf = ({ ctx, deps, user }: Call): Promise<{ id: string }> =>
  multipartByKey(deps, user, { key: parseKey(ctx.query), uploadId: params(ctx)['id'] ?? '' })

const params = (ctx: Context) => ctx['params'] as Record<string, string | undefined>

function answer(ctx: Context, body: object): void {
  ctx.set('content-type', 'application/json')
  ctx.body = body
}
