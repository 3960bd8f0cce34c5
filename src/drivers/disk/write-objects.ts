import type { Readable } from 'node:stream'
import { StorageError } from '../../errors.ts'
import type { DeletedObject, ObjectRef, ObjectStore, PutOptions, WriteConditions, WrittenObject } from '../driver.ts'
import { fail, matches } from '../conditions.ts'
import { aclText } from './acl-text.ts'
import { checkWriteConditions } from './write-conditions.ts'
import { isWriting, writtenKey, type DiskContext } from './context.ts'
import { notFound, type NewObjectRow } from './object-rows.ts'
import type { Place, Reservation } from './quota/owner-quota.ts'
import { mayHaveHappened } from './store-error.ts'
import { assertKey, assertMetadata, assertTags, limits, pickHeaders, resourceOf } from '../rules.ts'
import { demandObject } from './versions/find-version.ts'
import { changedLock, lockOfNew, lockText, noLockConfiguration } from './versions/object-locks.ts'
import { assertVersionId, nullVersion } from './versions/version-id.ts'
import { writeBody, type BodyOptions, type WrittenBlob } from './write-body.ts'

type Writes = Pick<
  ObjectStore,
  'putObject' | 'deleteObject' | 'deleteObjects' | 'putObjectTags' | 'setObjectLock' | 'sealObject' | 'isBeingWritten'
> &
  Required<Pick<ObjectStore, 'noteObject' | 'lacksNotes'>>

export function createWrites(ctx: DiskContext): Writes {
  const { buckets, objects, versions, queue, now } = ctx

  async function putObject(ref: ObjectRef, body: Readable, o: PutOptions = {}): Promise<WrittenObject> {
    const refused = (): void => {
      assertKey(ref)
      assertMetadata(o)
      assertTags(o.tags ?? {})
      buckets.demand(ref.bucket)
      if (o.lock && buckets.objectLock(ref.bucket) === null) throw noLockConfiguration()
      // Checked again in the transaction. This check spares the client from sending a body in vain.
      checkWriteConditions(objects.find(ref), o, resourceOf(ref))
    }
    const place = placeOf(ctx, ref)
    const blob = await writeFor(ctx, ref, body, { ...o, maxBytes: o.maxBytes ?? limits.maxPutSize, refused, place })
    const { md5: etag, size, checksum } = blob
    const row = {
      ...ref,
      size,
      etag,
      acl: aclText(o.acl),
      sealed: 0,
      headers: JSON.stringify(pickHeaders(o)),
      tags: JSON.stringify(o.tags ?? {}),
      checksum: checksum ? JSON.stringify(checksum) : null,
      content: blob.id,
      parts: 0,
      note: null,
      lock: lockText(o.lock ?? {}),
    }
    const { replaced, versionId } = await commitBlob(ctx, blob, () => {
      const blobs = objects.blobsOf(objects.find(ref))
      return { replaced: blobs, ...placeObject(ctx, row, o) }
    })
    return {
      etag,
      contentLength: size,
      ...(checksum && { checksum }),
      ...(versionId !== undefined && { versionId }),
      ...(await removeReplaced(ctx, ref, replaced)),
    }
  }

  const assertVersion = ({ bucket }: ObjectRef, versionId: string): void =>
    assertVersionId(versionId, { madeVersions: buckets.versioning(bucket) !== null })

  function assertMatches(ref: ObjectRef, ifMatch: string, versionId: string | undefined): void {
    const current = objects.find(ref)
    const row = versionId === undefined || current?.version === versionId ? current : versions.find(ref, versionId)
    if (row && !matches(ifMatch, row.etag, 'strong')) fail('PreconditionFailed', 'If-Match', resourceOf(ref))
  }

  function deleteCurrent(ref: ObjectRef): DeletedObject {
    const state = buckets.versioning(ref.bucket)
    const row = objects.find(ref)
    if (state !== null) {
      const mark = (): string => versions.mark(ref, state, now().getTime())
      // A marker of a key without any version only adds a row to the index. Every other delete must stay possible.
      const isNew = row === undefined && versions.newest(ref) === undefined
      return { versionId: isNew ? ctx.quota.held(ref, mark) : mark(), deleteMarker: true }
    }
    if (row) objects.remove(row, now().getTime())
    return {}
  }

  function deleteVersion(ref: ObjectRef, versionId: string, o: { bypassGovernance?: boolean }): DeletedObject {
    const { isMarker } = versions.removeVersion(ref, versionId, now().getTime(), o)
    return { versionId, ...(isMarker && { deleteMarker: true }) }
  }

  return {
    putObject,

    async deleteObject(ref, o = {}) {
      assertKey(ref)
      return queue.run(() => {
        buckets.demand(ref.bucket)
        if (o.versionId !== undefined) assertVersion(ref, o.versionId)
        if (o.ifMatch !== undefined) assertMatches(ref, o.ifMatch, o.versionId)
        return o.versionId === undefined ? deleteCurrent(ref) : deleteVersion(ref, o.versionId, o)
      })
    },

    async deleteObjects(bucket, keys) {
      if (keys.length > 1000)
        throw new StorageError('InvalidArgument', { message: 'At most 1000 keys can be deleted in one request.' })
      await queue.run(() => {
        buckets.demand(bucket)
        for (const key of keys) deleteCurrent({ bucket, key })
      })
      return keys.map((key) => ({ key }))
    },

    async putObjectTags(ref, tags, o = {}) {
      assertKey(ref)
      assertTags(tags)
      await queue.run(() => versions.change(demandObject(ctx, ref, o.versionId), { tags: JSON.stringify(tags) }))
    },

    async setObjectLock(ref, change, o = {}) {
      assertKey(ref)
      await queue.run(() => {
        const row = demandObject(ctx, ref, o.versionId)
        if (buckets.objectLock(ref.bucket) === null) throw noLockConfiguration()
        versions.setLock(row, changedLock(row.lock, change, now().getTime()))
      })
    },

    async sealObject(ref, o) {
      assertKey(ref)
      await queue.run(() => {
        buckets.demand(ref.bucket)
        if (o.versionId !== undefined) assertVersion(ref, o.versionId)
        const row = objects.find(ref)
        if (!row) throw notFound(resourceOf(ref))
        if (row.etag !== o.etag || (o.revision !== undefined && row.content !== o.revision))
          throw new StorageError('PreconditionFailed', {
            message: 'The object has changed since it was verified.',
            resource: resourceOf(ref),
          })
        const note = o.note === undefined ? null : JSON.stringify(o.note)
        const headers = o.headers === undefined || row.sealed ? null : JSON.stringify(pickHeaders(o.headers))
        if (!row.sealed || (note !== null && note !== row.note)) objects.seal(ref, { note, headers })
      })
      return { ref, etag: o.etag }
    },

    async noteObject(ref, note) {
      const text = JSON.stringify(note)
      await queue.run(() => {
        const row = objects.find(ref)
        if (row?.sealed && row.note !== text) objects.seal(ref, { note: text, headers: null })
      })
    },

    lacksNotes: () => objects.hasUnnoted(),

    isBeingWritten: (ref) => ctx.writers.has(writtenKey(ref)) || (ctx.peers.count > 1 && isWrittenByPeer(ctx, ref)),
  }
}

async function isWrittenByPeer({ peers }: DiskContext, ref: ObjectRef): Promise<boolean> {
  return (await peers.ask(isWriting, writtenKey(ref))).includes(true)
}

export type Placed = { lastModified: Date; versionId?: string }

/** Inside a job: writes the row if conditions and seal allow it. */
export function placeObject(ctx: DiskContext, row: NewObjectRow, o: WriteConditions): Placed {
  ctx.buckets.demand(row.bucket)
  checkWriteConditions(ctx.objects.find(row), o, resourceOf(row))
  const lastModified = ctx.now()
  const state = ctx.buckets.versioning(row.bucket)
  const at = lastModified.getTime()
  const lock = lockOfNew(row.lock, ctx.buckets.objectLock(row.bucket), at)
  const { version } = ctx.versions.place({ ...row, lock }, state, at)
  return state === 'Enabled' ? { lastModified, versionId: version } : { lastModified }
}

/**
 * Must be called with the blobs that a committed write replaced, while the caller still counts the write as running.
 */
export async function removeReplaced(
  { garbage, gatewayBucket, quota }: DiskContext,
  { bucket }: ObjectRef,
  blobs: readonly string[],
): Promise<Pick<WrittenObject, 'replacedGone'>> {
  if (blobs.length === 0 || (bucket !== gatewayBucket && !quota.applies(bucket))) return {}
  const { gone } = await garbage.removeReplaced(blobs)
  return gone === undefined ? {} : { replacedGone: gone }
}

/** The blob of a write that is counted as running. `leave` ends the count and keeps the file. */
export type FreshBlob = WrittenBlob & { leave(): void; place: Place; reservation: Reservation }

export const placeOf = (ctx: Pick<DiskContext, 'objects' | 'versions' | 'buckets'>, ref: ObjectRef): Place => ({
  bucket: ref.bucket,
  slot: writtenKey(ref),
  isObject: true,
  size: () => replacedBy(ctx, ref)?.size ?? null,
})

/** A new version replaces nothing. The version `null` replaces only an earlier one. */
function replacedBy(
  { objects, versions, buckets }: Pick<DiskContext, 'objects' | 'versions' | 'buckets'>,
  ref: ObjectRef,
): { size: number } | undefined {
  const state = buckets.versioning(ref.bucket)
  if (state === 'Enabled') return undefined
  const current = objects.find(ref)
  return state === null || current?.version === nullVersion ? current : versions.find(ref, nullVersion)
}

/** Writes the body of a write to `ref`, which counts as running until its blob is committed or discarded. */
export async function writeFor(
  ctx: DiskContext,
  ref: ObjectRef,
  body: Readable,
  o: Omit<BodyOptions, 'signals' | 'grow'> & { signal?: AbortSignal; refused: () => void; place: Place },
): Promise<FreshBlob> {
  const { place } = o
  const key = writtenKey(ref)
  let reservation: Reservation | undefined
  ctx.writers.add(key)
  const ended = (): void => {
    ctx.writers.remove(key)
    reservation?.release()
  }
  const refused = async (): Promise<void> => {
    o.refused()
    reservation = await ctx.quota.reserve(place, o.contentLength ?? 0)
  }
  try {
    const blob = await writeBody(ctx, body, {
      ...o,
      refused,
      grow: (size) => reservation?.grow(size),
      signals: [o.signal, ctx.closing],
    })
    return {
      ...blob,
      place,
      reservation: reservation!,
      settle: () => (ended(), blob.settle()),
      discard: () => (ended(), blob.discard()),
      leave: ended,
    }
  } catch (error) {
    ended()
    throw error
  }
}

/**
 * Commits the blob's row and the rows that refer to it in one transaction, or deletes the blob. If the outcome of the
 * commit is unknown, the log may contain the row and replay it. Then the blob stays and counts as running here, and the
 * sweep of the next start decides whether it is an orphan.
 */
export async function commitBlob<T>(ctx: DiskContext, blob: FreshBlob, refer: () => T): Promise<T> {
  try {
    const value = await ctx.queue.run(() => {
      const referred = ctx.quota.held(blob.place, () => {
        ctx.objects.addBlob(blob)
        return refer()
      })
      blob.reservation.release()
      return referred
    })
    blob.settle()
    return value
  } catch (error) {
    if (mayHaveHappened(error)) blob.leave()
    else await blob.discard()
    throw error
  }
}
