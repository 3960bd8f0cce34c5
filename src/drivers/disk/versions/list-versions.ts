import { StorageError } from '../../../errors.ts'
import type { ListedVersion, ListVersionsOptions, ObjectStore } from '../../driver.ts'
import type { DiskContext } from '../context.ts'
import { checkMax } from '../list-objects.ts'
import { parseChecksum } from '../object-rows.ts'
import type { Index } from '../open-index.ts'
import { commonPrefixOf, skipScan } from '../skip-scan.ts'
import { compareText, textAfter, textRightAfter } from '../text-order.ts'
import { assertVersionId, placeOfVersion } from './version-id.ts'

type Row = {
  key: string
  version: string
  nth: number
  size: number
  etag: string
  modified_at: number
  checksum: string | null
  content: string | null
  storage_class: string | null
  isLatest: 0 | 1
}

/** After every version of a key. */
const last = -1
/** Before every version of a key. */
const first = Number.MAX_SAFE_INTEGER

const columns = `key, version, nth, size, etag, modified_at, checksum, content, headers ->> 'storageClass' AS storage_class`
const isNewest = `NOT EXISTS (SELECT 1 FROM objects o WHERE o.bucket = v.bucket AND o.key = v.key)
  AND NOT EXISTS (SELECT 1 FROM versions w WHERE w.bucket = v.bucket AND w.key = v.key AND w.nth > v.nth)`

/** Current objects and other versions, each in the order of an index, so that a page reads only its own rows. */
export const versionsOfKeysSql = `SELECT ${columns}, 1 AS isLatest FROM objects
    WHERE bucket = @bucket AND key >= @from AND key < @below
  UNION ALL SELECT ${columns}, ${isNewest} AS isLatest FROM versions v
    WHERE bucket = @bucket AND key >= @from AND key < @below
  ORDER BY key, nth DESC LIMIT @max`
export const versionsOfKeySql = `SELECT ${columns}, 1 AS isLatest FROM objects
    WHERE bucket = @bucket AND key = @key AND nth < @nth
  UNION ALL SELECT ${columns}, ${isNewest} AS isLatest FROM versions v
    WHERE bucket = @bucket AND key = @key AND nth < @nth
  ORDER BY nth DESC LIMIT @max`

type Keys = { bucket: string; from: string | Buffer; below: string | Buffer; max: number }
type Key = { bucket: string; key: string; nth: number; max: number }
/** Where a page starts: below the place `nth` of a key, or at a key that is listed as a whole. */
type Start = { key: string; nth: number } | { from: string | Buffer }

export function createVersionListing(ctx: DiskContext, db: Index): Pick<ObjectStore, 'listObjectVersions'> {
  const ofKeys = db.prepare<[Keys], Row>(versionsOfKeysSql)
  const ofKey = db.prepare<[Key], Row>(versionsOfKeySql)

  function* rowsFrom(start: Start, bucket: string, below: string | Buffer, max: number): IterableIterator<Row> {
    if ('from' in start) {
      yield* ofKeys.iterate({ bucket, from: start.from, below, max })
      return
    }
    yield* ofKey.iterate({ bucket, key: start.key, nth: start.nth, max })
    yield* ofKeys.iterate({ bucket, from: textRightAfter(start.key), below, max })
  }

  return {
    async listObjectVersions(o) {
      ctx.buckets.demand(o.bucket)
      const { prefix = '', delimiter = '' } = o
      const max = checkMax(o.maxKeys)
      const below = textAfter(prefix)
      const start = startOf(ctx, o)
      const from = 'from' in start ? start.from : start.key
      const page = skipScan<Row>({
        prefix,
        delimiter,
        max,
        from,
        seek: (position) => rowsFrom(position === from ? start : { from: position }, o.bucket, below, max + 1),
      })
      const { isTruncated, last: end } = page
      return {
        versions: page.rows.map(toListed),
        commonPrefixes: page.commonPrefixes,
        isTruncated,
        ...(isTruncated && end && nextOf(end)),
      }
    },
  }
}

const nextOf = (
  end: { row: Row } | { commonPrefix: string },
): { nextKeyMarker: string; nextVersionIdMarker?: string } =>
  'row' in end
    ? { nextKeyMarker: end.row.key, nextVersionIdMarker: end.row.version }
    : { nextKeyMarker: end.commonPrefix }

function startOf({ objects, versions, buckets }: DiskContext, o: ListVersionsOptions): Start {
  const { bucket, prefix = '', delimiter = '', keyMarker = '', versionIdMarker = '' } = o
  if (versionIdMarker !== '') {
    if (keyMarker === '') {
      throw new StorageError('InvalidArgument', {
        message: 'A version-id marker cannot be specified without a key marker.',
      })
    }
    assertVersionId(versionIdMarker, { madeVersions: buckets.versioning(bucket) !== null })
  }
  if (keyMarker === '' || compareText(keyMarker, prefix) < 0) return { from: prefix }
  const passed = keyMarker.startsWith(prefix) && commonPrefixOf(keyMarker, prefix, delimiter) === keyMarker
  if (passed) return { from: textAfter(keyMarker) }
  if (!keyMarker.startsWith(prefix)) return { from: textAfter(prefix) }
  if (versionIdMarker === '') return { key: keyMarker, nth: last }
  const ref = { bucket, key: keyMarker }
  const current = objects.find(ref)
  const named = current?.version === versionIdMarker ? current : versions.find(ref, versionIdMarker)
  // The place of a deleted version named null is unknown, so its key is listed again without it.
  return { key: keyMarker, nth: named?.nth ?? placeOfVersion(versionIdMarker) ?? first }
}

const toListed = (row: Row): ListedVersion => ({
  key: row.key,
  versionId: row.version,
  isLatest: row.isLatest === 1,
  isDeleteMarker: row.content === null,
  contentLength: row.size,
  etag: row.etag,
  lastModified: new Date(row.modified_at),
  ...(row.checksum !== null && { checksum: parseChecksum(row.checksum) }),
  ...(row.storage_class !== null && { storageClass: row.storage_class }),
})
