/** Shared code of GetObject and HeadObject. */
import { isStorageError, StorageError } from '../errors.ts'
import type { ByteRange, GetOptions, ObjectHead, ObjectRef, ResponseOverrides } from '../drivers/driver.ts'
import { answerEmpty, quoted, type AnswerHeaders } from './answer.ts'
import { objectOf, versionOf, type OperationDeps, type PublicObject, type S3Context } from './context.ts'
import { expirationHeader } from './lifecycle/expiration-header.ts'
import { readConditions } from './object-headers.ts'
import { parseRange } from './range.ts'
import { denied, noSuchKey } from './access.ts'
import { S3Error } from './s3-error.ts'
import { readOverrides, servingHeaders, type ServingPolicy } from './serving-headers.ts'

export type ReadInput = {
  ref: ObjectRef
  options: Omit<GetOptions, 'range'>
  range: ByteRange | undefined
  ifRange: string | undefined
  overrides: ResponseOverrides
  /** The public file, if the principal may read the object only because it is public. */
  served: PublicObject | null
}

/** Errors: AccessDenied, and invalid request parameters. */
export async function authoriseRead(ctx: S3Context, deps: OperationDeps): Promise<ReadInput> {
  const input = parseRead(ctx)
  const served = await deps.access.allowRead(ctx, { ...input.ref, ...versionOf(ctx) })
  await checkLink(ctx, deps)
  if (served === null) return { ...input, served }
  // In a versioned bucket only the verified version is public, whichever was requested.
  const { versionId: _, ...options } = input.options
  const { versionId } = served
  return { ...input, served, options: { ...options, ...(versionId !== undefined && { versionId }) } }
}

/** Throws NotFound if this is not the verified object. */
export async function checkServed({ served }: ReadInput, head: ObjectHead): Promise<void> {
  if (served !== null && !(await served.accepts(head))) throw noSuchKey()
}

function parseRead(ctx: S3Context): Omit<ReadInput, 'served'> {
  const range = parseRange(ctx.headers.get('range'))
  const partNumber = readPartNumber(ctx.query.get('partNumber'))
  if (partNumber !== undefined && range !== undefined) {
    throw new StorageError('InvalidRequest', {
      message: 'Cannot specify both Range header and partNumber query parameter',
    })
  }
  return {
    ref: objectOf(ctx),
    options: {
      ...readConditions(ctx.headers),
      ...(partNumber !== undefined && { partNumber }),
      ...versionOf(ctx),
    },
    range,
    ifRange: ctx.headers.get('if-range'),
    overrides: readOverrides(ctx),
  }
}

/**
 * A URL issued by a share link carries the link's id, which is signed. It stops working with the link. Errors:
 * AccessDenied.
 */
async function checkLink(ctx: S3Context, { links }: OperationDeps): Promise<void> {
  const id = ctx.query.get('x-postern-link')
  if (id === undefined || (await links?.isAlive(id)) === true) return
  throw denied()
}

function readPartNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= 10_000) return number
  throw new StorageError('InvalidArgument', {
    message: 'Part number must be an integer between 1 and 10000, inclusive',
    details: { ArgumentName: 'partNumber', ArgumentValue: text.slice(0, 40) },
  })
}

/** RFC 9110 §13.1.5: a strong ETag or the exact date. Anything else counts as changed. */
export function ifRangeHolds(ifRange: string, head: ObjectHead): boolean {
  if (ifRange === quoted(head.etag)) return true
  const date = Date.parse(ifRange)
  return !ifRange.includes('"') && Math.floor(head.lastModified.getTime() / 1000) * 1000 === date
}

const policyOf = (ctx: S3Context, deps: OperationDeps): ServingPolicy => ({
  guarded: ctx.bucket === deps.gatewayBucket || ctx.principal.kind === 'anonymous',
  inlineTypes: deps.inlineTypes,
})

export type Sent = { start: number; end: number } | undefined

/** Status and headers of a response with the object or a part of it. */
export function readAnswer(
  ctx: S3Context,
  deps: OperationDeps,
  input: ReadInput,
  head: ObjectHead,
  sent: Sent,
): { status: 200 | 206; headers: AnswerHeaders } {
  const shown = input.served === null ? head : { ...bareHead(head), ...input.served.headers }
  const headers = servingHeaders(ctx, shown, input.overrides, policyOf(ctx, deps))
  if (input.options.partNumber !== undefined) headers['x-amz-mp-parts-count'] = head.partCount
  if (sent === undefined) return { status: 200, headers: { ...headers, 'content-length': head.contentLength } }
  const isRange = input.options.partNumber === undefined && sent.end - sent.start + 1 < head.contentLength
  // A checksum of the whole object does not apply to a range. A part has its own checksum.
  if (isRange) for (const name of Object.keys(headers)) if (name.startsWith('x-amz-checksum-')) delete headers[name]
  headers['content-length'] = sent.end - sent.start + 1
  headers['content-range'] = `bytes ${sent.start}-${sent.end}/${head.contentLength}`
  return { status: 206, headers }
}

/** Rules expire current objects, and none of the gateway's own. */
export async function expirationOf(
  ctx: S3Context,
  { ref, options }: ReadInput,
  head: ObjectHead,
  deps: OperationDeps,
): Promise<AnswerHeaders> {
  if (ref.bucket === deps.gatewayBucket || options.versionId !== undefined) return {}
  if (ctx.principal.kind === 'anonymous') return {}
  return expirationHeader(ref, head, await deps.store.headBucket(ref.bucket), deps)
}

/** The store's facts about the object, without the writer's headers. */
const bareHead = ({ contentLength, etag, lastModified, checksum, versionId, partCount }: ObjectHead): ObjectHead => ({
  contentLength,
  etag,
  lastModified,
  ...(checksum && { checksum }),
  ...(versionId !== undefined && { versionId }),
  ...(partCount !== undefined && { partCount }),
})

/** S3 has a separate code for a missing part, and returns the unsatisfiable range. */
export function rangeError(ctx: S3Context, input: ReadInput, error: unknown): unknown {
  if (!isStorageError(error, 'InvalidRange')) return error
  if (input.options.partNumber !== undefined) return new S3Error('InvalidPartNumber', error.message, error.details)
  const asked = { RangeRequested: (ctx.headers.get('range') ?? '').slice(0, 80) }
  return new StorageError('InvalidRange', {
    message: error.message,
    details: { ...asked, ...error.details },
    cause: error,
  })
}

/** Sends 304 with the validators that RFC 9110 §15.4.5 requires. Returns false for any other error. */
export async function answerNotModified(
  ctx: S3Context,
  deps: OperationDeps,
  input: ReadInput,
  error: unknown,
): Promise<boolean> {
  if (!isStorageError(error, 'NotModified')) return false
  const { versionId } = input.options
  const head = await deps.store.headObject(input.ref, versionId === undefined ? {} : { versionId })
  const { headers } = readAnswer(ctx, deps, input, head, undefined)
  const kept = ['etag', 'last-modified', 'cache-control', 'expires', 'x-amz-version-id']
  answerEmpty(ctx, 304, Object.fromEntries(kept.map((name) => [name, headers[name]])))
  return true
}
