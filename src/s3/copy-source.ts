import { isStorageError, StorageError } from '../errors.ts'
import type { ObjectRef } from '../drivers/driver.ts'
import { decodeComponent } from '../sigv4/encode.ts'
import { actionOn } from './actions.ts'
import type { OperationDeps, S3Context } from './context.ts'
import { assertKey } from './target.ts'

export type CopySource = { ref: ObjectRef; versionId?: string }

/**
 * `x-amz-copy-source`: `[/]bucket/key[?versionId=id]`, percent-encoded, and `+` is a space. The version follows a raw
 * `?`. An encoded `?` is part of the key, and a key that spells out a version is rejected as ambiguous.
 */
export function parseCopySource(header: string): CopySource {
  const raw = Buffer.from(header, 'latin1').toString('utf8').trim().replace(/^\//, '')
  const [path = '', ...rest] = raw.split('?')
  const decoded = decodeComponent(path.replaceAll('+', ' '))
  const slash = decoded?.indexOf('/') ?? -1
  if (decoded === null || slash < 1 || slash === decoded.length - 1 || rest.length > 1) throw invalid()
  const ref = { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1) }
  if (/\?versionid=/i.test(ref.key)) throw invalid()
  assertKey(ref.key)
  if (rest[0] === undefined) return { ref }
  const versionId = /^versionId=([\w.-]+)$/.exec(rest[0])?.[1]
  if (versionId === undefined) throw invalid()
  return { ref, versionId }
}

/** Errors: AccessDenied, NoSuchBucket. */
export async function allowSource(ctx: S3Context, { ref, versionId }: CopySource, deps: OperationDeps): Promise<void> {
  const on = { ...ref, ...(versionId !== undefined && { versionId }) }
  await deps.access.allow(ctx, actionOn('s3:GetObject', versionId), on)
}

/** A delete marker has nothing to copy. */
export function refuseMarker(error: unknown): never {
  if (!isStorageError(error, 'IsDeleteMarker')) throw error
  throw new StorageError('InvalidRequest', {
    message: 'The source of a copy request may not specifically refer to a delete marker by version id.',
    cause: error,
  })
}

const invalid = (): StorageError =>
  new StorageError('InvalidArgument', {
    message: 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    details: { ArgumentName: 'x-amz-copy-source' },
  })
