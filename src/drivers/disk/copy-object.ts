import { StorageError } from '../../errors.ts'
import { startChecksum } from '../checksums/checksum.ts'
import type { Checksum, CopyOptions, ObjectHeaders, ObjectRef, ObjectStore, WriteConditions } from '../driver.ts'
import { checkSourceConditions } from '../conditions.ts'
import { aclText } from './acl-text.ts'
import type { DiskContext } from './context.ts'
import { parseChecksum, type ObjectRow } from './object-rows.ts'
import { assertKey, assertMetadata, assertTags, limits, pickHeaders } from '../rules.ts'
import { lockText } from './versions/object-locks.ts'
import { demandObject, versionIdOf } from './versions/find-version.ts'
import { placeObject, placeOf } from './write-objects.ts'

/** Copies rows, never bytes. Two objects can share a blob because blobs are immutable. */
export function createCopy(ctx: DiskContext, reads: Pick<ObjectStore, 'getObject'>): Pick<ObjectStore, 'copyObject'> {
  const { buckets, quota } = ctx

  function demandSource(source: ObjectRef, o: CopyOptions): ObjectRow {
    buckets.demand(source.bucket)
    const row = demandObject(ctx, source, o.sourceVersionId)
    checkSourceConditions({ etag: row.etag, lastModified: new Date(row.modified_at) }, o.sourceConditions ?? {})
    if (row.size <= limits.maxPutSize) return row
    throw new StorageError('InvalidRequest', {
      message: `The specified copy source is larger than the maximum allowable size for a copy source: ${limits.maxPutSize}`,
    })
  }

  async function checksumFor(row: ObjectRow, o: CopyOptions): Promise<Checksum | undefined> {
    const has = row.checksum === null ? undefined : parseChecksum(row.checksum)
    const algorithm = o.checksumAlgorithm
    if (!algorithm || (has?.algorithm === algorithm && has.type === 'FULL_OBJECT')) return has
    const state = startChecksum(algorithm)
    const object = await reads.getObject(row, { versionId: row.version, ...(o.signal && { signal: o.signal }) })
    for await (const chunk of object.stream()) state.update(chunk as Buffer)
    return { algorithm, value: state.digest().toString('base64'), type: 'FULL_OBJECT' }
  }

  return {
    async copyObject(source, target, o: CopyOptions & WriteConditions = {}) {
      assertCopy(source, target, o)
      for (;;) {
        o.signal?.throwIfAborted()
        const seen = demandSource(source, o)
        const checksum = await checksumFor(seen, o)
        const copied = await quota.commit(placeOf(ctx, target), seen.size, () => {
          const row = demandSource(source, o)
          // The checksum was computed from other bytes, so compute it again.
          if (row.content !== seen.content) return null
          const copy = {
            ...row,
            ...target,
            sealed: 0,
            note: null,
            lock: lockText(o.lock ?? {}),
            acl: aclText(o.acl),
            headers: JSON.stringify(copiedHeaders(row, o)),
            tags: o.taggingDirective === 'REPLACE' ? JSON.stringify(o.tags ?? {}) : row.tags,
            checksum: checksum ? JSON.stringify(checksum) : null,
          }
          return { row, sourceVersionId: versionIdOf(ctx, row), ...placeObject(ctx, copy, o) }
        })
        if (!copied) continue
        const { row, lastModified, versionId, sourceVersionId } = copied
        return {
          etag: row.etag,
          contentLength: row.size,
          lastModified,
          ...(versionId !== undefined && { versionId }),
          ...(sourceVersionId !== undefined && { sourceVersionId }),
          ...(checksum && { checksum }),
        }
      }
    },
  }
}

/** A copy has the requested storage class, independent of the other headers. */
function copiedHeaders(row: ObjectRow, o: CopyOptions): ObjectHeaders {
  if (o.metadataDirective === 'REPLACE') return pickHeaders(o)
  const { storageClass: _, ...headers } = JSON.parse(row.headers) as ObjectHeaders
  return { ...headers, ...(o.storageClass !== undefined && { storageClass: o.storageClass }) }
}

function assertCopy(source: ObjectRef, target: ObjectRef, o: CopyOptions): void {
  assertKey(source)
  assertKey(target)
  if (o.metadataDirective === 'REPLACE') assertMetadata(o)
  if (o.taggingDirective === 'REPLACE') assertTags(o.tags ?? {})
  const same = source.bucket === target.bucket && source.key === target.key
  if (!same || o.sourceVersionId !== undefined || o.metadataDirective === 'REPLACE' || o.storageClass !== undefined)
    return
  throw new StorageError('InvalidRequest', {
    message:
      'This copy request is illegal because it is trying to copy an object to itself without changing the ' +
      "object's metadata, storage class, website redirect location or encryption attributes.",
  })
}
