/** Shared code of the multipart operations. */
import { isStorageError, StorageError } from '../errors.ts'
import type { Checksum, Initiation, ObjectRef } from '../drivers/driver.ts'
import type { S3Action } from './actions.ts'
import type { OperationDeps, S3Context, Allowed } from './context.ts'
import { encodePath } from '../sigv4/encode.ts'
import { headersOfUpload } from './policy/condition-keys.ts'

export function readUploadId(ctx: S3Context): string {
  const uploadId = ctx.query.get('uploadId') ?? ''
  if (/^[\w.~-]{1,256}$/.test(uploadId)) return uploadId
  throw new StorageError('NoSuchUpload')
}

export function readPartNumber(ctx: S3Context): number {
  const text = ctx.query.get('partNumber') ?? ''
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= 10_000) return number
  throw new StorageError('InvalidArgument', {
    message: 'Part number must be an integer between 1 and 10000, inclusive',
    details: { ArgumentName: 'partNumber', ArgumentValue: text.slice(0, 40) },
  })
}

/**
 * Authorises a request that continues an upload. Policies are evaluated with the headers and tags of the
 * CreateMultipartUpload, because the object gets these.
 */
export async function allowInUpload(
  ctx: S3Context,
  action: S3Action,
  ref: ObjectRef,
  uploadId: string,
  deps: OperationDeps,
): Promise<Allowed> {
  const begun = ref.bucket === deps.gatewayBucket ? undefined : await initiationOf(ref, uploadId, deps)
  if (begun === undefined) return deps.access.allow(ctx, action, ref)
  const { initiation, tags } = begun
  const own = [...ctx.headers].filter(([name]) => !headersOfUpload.includes(name))
  const who = {
    ...ctx,
    headers: new Map([...own, ...Object.entries(initiation?.headers ?? {})]),
    requestTags: async () => tags,
  }
  const isInitiator = initiation !== null && initiation.initiator === nameOf(ctx)
  return deps.access.allow(who, action, { ...ref, isInitiator })
}

async function initiationOf(
  ref: ObjectRef,
  uploadId: string,
  { store }: OperationDeps,
): Promise<{ initiation: Initiation | null; tags: Record<string, string> } | undefined> {
  try {
    return await store.getInitiation?.(ref, uploadId)
  } catch (error) {
    // The operation gets this error from the store again, after the requester is authorised.
    if (isStorageError(error, 'NoSuchUpload')) return undefined
    throw error
  }
}

export const initiationBy = (ctx: S3Context): Initiation => ({
  initiator: nameOf(ctx),
  headers: Object.fromEntries([...ctx.headers].filter(([name]) => headersOfUpload.includes(name))),
})

const nameOf = ({ principal }: S3Context): string | null => (principal.kind === 'key' ? principal.owner : null)

/** The object's URL, built from the configured base only, never from the request's Host. */
export function locationOf(bucket: string, key: string, deps: OperationDeps): string {
  const base = deps.publicUrl?.().replace(/\/+$/, '') ?? deps.pathPrefix()
  return `${base}/${bucket}/${encodePath(key)}`
}

export const elementOf = (checksum: Pick<Checksum, 'algorithm'>): string =>
  `Checksum${checksum.algorithm.toUpperCase()}`
