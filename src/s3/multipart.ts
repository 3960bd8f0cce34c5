/** Shared code of the multipart operations. */
import { StorageError } from '../errors.ts'
import type { Checksum } from '../drivers/driver.ts'
import type { OperationDeps, S3Context } from './context.ts'
import { encodePath } from '../sigv4/encode.ts'

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

/** The object's URL, built from the configured base only, never from the request's Host. */
export function locationOf(bucket: string, key: string, deps: OperationDeps): string {
  const base = deps.publicUrl?.().replace(/\/+$/, '') ?? deps.pathPrefix()
  return `${base}/${bucket}/${encodePath(key)}`
}

export const elementOf = (checksum: Pick<Checksum, 'algorithm'>): string =>
  `Checksum${checksum.algorithm.toUpperCase()}`
