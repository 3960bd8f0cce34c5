import { StorageError, isStorageError } from '../../errors.ts'
import type {
  ByteRange,
  GetOptions,
  HeadOptions,
  LocalFile,
  ObjectHead,
  ObjectRef,
  ObjectStore,
  OfVersion,
  StoredObject,
} from '../driver.ts'
import { checkReadConditions } from '../conditions.ts'
import type { DiskContext } from './context.ts'
import { checkMax } from './list-objects.ts'
import { headOf, parseChecksum, parseTags, type ObjectRow, type Segment } from './object-rows.ts'
import { assertKey } from '../rules.ts'
import { readAtOnce, StoredBytes } from './stored-bytes.ts'
import { demandObject, versionIdOf } from './versions/find-version.ts'

type ReadMethods = 'headObject' | 'getObject' | 'listObjectParts' | 'getObjectTags'
type Span = { start: number; end: number }

export function createReads(ctx: DiskContext): Pick<ObjectStore, ReadMethods> {
  /** Errors: InvalidKey, KeyTooLong, and those of demandObject. */
  function demand(ref: ObjectRef, { versionId }: OfVersion = {}): ObjectRow {
    assertKey(ref)
    return demandObject(ctx, ref, versionId)
  }

  function checked(ref: ObjectRef, o: HeadOptions): { row: ObjectRow; part: Span | undefined } {
    o.signal?.throwIfAborted()
    const row = demand(ref, o)
    checkReadConditions({ etag: row.etag, lastModified: new Date(row.modified_at) }, o)
    return { row, part: o.partNumber === undefined ? undefined : partSpan(row, o.partNumber) }
  }

  function partSpan(row: ObjectRow, partNumber: number): Span {
    const part = ctx.objects.part(row, partNumber)
    if (part) return { start: part.start, end: part.start + part.size - 1 }
    throw new StorageError('InvalidRange', {
      message: 'The requested partnumber is not satisfiable',
      details: { PartNumberRequested: partNumber, ActualPartCount: Math.max(row.parts, 1) },
    })
  }

  function headFor(row: ObjectRow, { partNumber }: HeadOptions): ObjectHead {
    const versionId = versionIdOf(ctx, row)
    const { checksum: whole, ...facts } = headOf(row)
    const head: ObjectHead = { ...facts, ...(versionId !== undefined && { versionId }) }
    if (whole === undefined) return head
    if (partNumber === undefined || row.parts === 0) return { ...head, checksum: whole }
    const stored = ctx.objects.parts(row, partNumber - 1, 1)[0]?.checksum
    const part = stored == null ? undefined : parseChecksum(stored)
    if (part?.algorithm !== whole.algorithm) return head
    return { ...head, checksum: { ...part, ...(whole.type && { type: whole.type }) } }
  }

  async function open({ row, part }: { row: ObjectRow; part: Span | undefined }, o: GetOptions): Promise<StoredObject> {
    const range = o.range ? resolveRange(o.range, row.size) : part
    const { start, end } = range ?? { start: 0, end: row.size - 1 }
    const segments = end < start ? [] : ctx.objects.segments(row, start, end)
    assertCovered(segments, start, end)
    for (const { blob } of segments) ctx.readers.add(blob)
    const done = (): void => release(segments)
    // An empty part has no offsets.
    const shown = range && range.end >= range.start ? { range } : {}
    const localFile = (): LocalFile | null => inOneFile(segments, row.size)
    const object = new StoredBytes(ctx, { head: headFor(row, o), ...shown, segments, start, end, localFile, done })
    if (end - start < readAtOnce) await object.preload()
    else await object.begin()
    return object
  }

  function inOneFile([first]: readonly Segment[], size: number): LocalFile | null {
    if (first?.start !== 0 || first.size !== size) return null
    ctx.handedOff.add(first.blob)
    return ctx.blobs.localFile(first.blob)
  }

  const contentOf = (ref: ObjectRef, { versionId }: OfVersion): string | null | undefined =>
    (versionId === undefined ? undefined : ctx.versions.find(ref, versionId))?.content ?? ctx.objects.find(ref)?.content

  const release = (segments: readonly Segment[]): void => {
    for (const { blob } of segments) ctx.readers.remove(blob)
  }

  return {
    headObject: async (ref, o = {}) => headFor(checked(ref, o).row, o),

    async listObjectParts(ref, o = {}) {
      const max = checkMax(o.maxParts)
      const rows = ctx.objects.parts(checked(ref, o).row, o.partNumberMarker ?? 0, max + 1)
      const parts = rows.slice(0, max).map(({ part, size, checksum }) => ({
        partNumber: part,
        contentLength: size,
        ...(checksum !== null && { checksum: parseChecksum(checksum) }),
      }))
      return { parts, isTruncated: max > 0 && rows.length > max }
    },

    async getObject(ref, o = {}): Promise<StoredObject> {
      if (o.range && o.partNumber !== undefined)
        throw new StorageError('InvalidRequest', {
          message: 'Cannot specify both Range header and partNumber query parameter',
        })
      for (;;) {
        const found = checked(ref, o)
        try {
          return await open(found, o)
        } catch (error) {
          // The object was replaced before its blob was opened. Read the new one.
          if (isStorageError(error, 'Corrupt') && contentOf(ref, o) !== found.row.content) continue
          throw error
        }
      }
    },

    getObjectTags: async (ref, o) => parseTags(demand(ref, o).tags),
  }
}

/** Throws Corrupt if the index lacks some of the wanted bytes. A shorter response would hang its reader. */
function assertCovered(segments: readonly Segment[], start: number, end: number): void {
  let next = start
  for (const segment of segments) {
    if (segment.start > next) break
    next = segment.start + segment.size
  }
  if (next <= end) throw new StorageError('Corrupt', { message: 'The stored bytes are missing.' })
}

/** Errors: InvalidRange, with the size that the client needs for a valid range. */
function resolveRange(range: ByteRange, size: number): Span {
  if ('suffix' in range) {
    if (range.suffix > 0 && size > 0) return { start: Math.max(0, size - range.suffix), end: size - 1 }
  } else if (range.start < size && range.start <= (range.end ?? Infinity)) {
    return { start: range.start, end: Math.min(range.end ?? Infinity, size - 1) }
  }
  throw new StorageError('InvalidRange', {
    message: 'The requested range is not satisfiable',
    details: { ActualObjectSize: size },
  })
}
