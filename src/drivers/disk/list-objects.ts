import { StorageError } from '../../errors.ts'
import type { ListedObject, ListOptions, ObjectPage, ObjectStore } from '../driver.ts'
import type { DiskContext } from './context.ts'
import type { ObjectRow } from './object-rows.ts'
import { parseChecksum } from './object-rows.ts'
import type { Index } from './open-index.ts'
import { commonPrefixOf, skipScan } from './skip-scan.ts'
import { compareText, textAfter, textRightAfter } from './text-order.ts'

type ListedRow = Pick<ObjectRow, 'key' | 'size' | 'etag' | 'modified_at' | 'checksum'> & {
  storage_class: string | null
}

/** Reads a range of the (bucket, key) index. It does not use LIKE, so `%` and `_` have no special meaning. */
export const listSql = `SELECT key, size, etag, modified_at, checksum, headers ->> 'storageClass' AS storage_class FROM objects
  WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`

export function createListing(ctx: DiskContext, db: Index): Pick<ObjectStore, 'listObjects'> {
  const select = db.prepare<[string, string | Buffer, string | Buffer, number], ListedRow>(listSql)

  return {
    async listObjects(o: ListOptions): Promise<ObjectPage> {
      ctx.buckets.demand(o.bucket)
      const { prefix = '', delimiter = '' } = o
      const max = checkMax(o.maxKeys)
      const below = textAfter(prefix)
      const page = skipScan<ListedRow>({
        prefix,
        delimiter,
        max,
        from: startOf(o, prefix, delimiter),
        seek: (position) => select.iterate(o.bucket, position, below, max + 1),
      })
      const { rows, commonPrefixes, isTruncated, last } = page
      const marker = last && ('row' in last ? last.row.key : last.commonPrefix)
      return {
        objects: rows.map(toListed),
        commonPrefixes,
        isTruncated,
        ...(isTruncated && last && { nextContinuationToken: encodeToken(last) }),
        ...(isTruncated && marker !== null && { nextMarker: marker }),
      }
    },
  }
}

export function checkMax(max = 1000): number {
  if (Number.isInteger(max) && max >= 0) return Math.min(max, 1000)
  throw new StorageError('InvalidArgument', {
    message: 'The maximum number of entries is not a whole number of 0 or more.',
  })
}

function startOf(o: ListOptions, prefix: string, delimiter: string): string | Buffer {
  if (o.continuationToken !== undefined) return later(decodeToken(o.continuationToken), prefix)
  if (o.startAfter === undefined || o.startAfter === '') return prefix
  const passed = o.startAfter.startsWith(prefix) && commonPrefixOf(o.startAfter, prefix, delimiter) === o.startAfter
  return later(passed ? textAfter(o.startAfter) : textRightAfter(o.startAfter), prefix)
}

const later = (position: string | Buffer, prefix: string): string | Buffer =>
  typeof position !== 'string' || compareText(position, prefix) > 0 ? position : prefix

/**
 * Identifies the last entry of the page: `k` for a key, `p` for a common prefix. Opaque to clients, and valid after a
 * restart.
 */
function encodeToken(last: { row: { key: string } } | { commonPrefix: string }): string {
  const text = 'row' in last ? `k${last.row.key}` : `p${last.commonPrefix}`
  return Buffer.from(text).toString('base64url')
}

function decodeToken(token: string): string | Buffer {
  const bytes = Buffer.from(token, 'base64url')
  const [, kind, name] = /^([kp])(.+)$/s.exec(bytes.toString()) ?? []
  if (name === undefined || bytes.toString('base64url') !== token)
    throw new StorageError('InvalidArgument', { message: 'The continuation token provided is incorrect' })
  return kind === 'p' ? textAfter(name) : textRightAfter(name)
}

const toListed = (row: ListedRow): ListedObject => ({
  key: row.key,
  contentLength: row.size,
  etag: row.etag,
  lastModified: new Date(row.modified_at),
  ...(row.checksum !== null && { checksum: parseChecksum(row.checksum) }),
  ...(row.storage_class !== null && { storageClass: row.storage_class }),
})
