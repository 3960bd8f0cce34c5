import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { StorageError } from '../../errors.ts'
import { defaultChecksumType, supportsType } from '../checksums/checksum.ts'
import type {
  BodyExpectation,
  ChecksumAlgorithm,
  ChecksumType,
  MultipartStore,
  ObjectRef,
  ObjectStore,
  PartInfo,
  WrittenObject,
} from '../driver.ts'
import { checkSourceConditions } from '../conditions.ts'
import { aclText } from './acl-text.ts'
import { checkWriteConditions } from './write-conditions.ts'
import { writtenKey, type DiskContext } from './context.ts'
import { checkMax } from './list-objects.ts'
import { parseChecksum, parseTags } from './object-rows.ts'
import { assertKey, assertMetadata, assertTags, limits, pickHeaders, resourceOf } from '../rules.ts'
import type { Place } from './quota/owner-quota.ts'
import { noLockConfiguration } from './versions/object-locks.ts'
import {
  initiatorOf,
  noSuchUpload,
  parseInitiation,
  storageClassOf,
  type PartRow,
  type UploadHeaders,
  type UploadRow,
} from './upload-rows.ts'
import { commitBlob, removeReplaced, writeFor } from './write-objects.ts'

type Uploads = Pick<
  MultipartStore,
  'createMultipartUpload' | 'uploadPart' | 'uploadPartCopy' | 'listParts' | 'getInitiation' | 'abortMultipartUpload'
>
type PartOptions = BodyExpectation & { maxBytes?: number; signal?: AbortSignal; isCopy?: boolean }

export function createMultipart(ctx: DiskContext, reads: Pick<ObjectStore, 'getObject' | 'headObject'>): Uploads {
  const { buckets, objects, uploads, queue, quota, now } = ctx

  async function writePart(
    ref: ObjectRef,
    uploadId: string,
    number: number,
    body: Readable,
    o: PartOptions,
  ): Promise<WrittenObject & { lastModified: Date }> {
    const upload = uploads.find(ref, uploadId)
    const blob = await writeFor(ctx, ref, body, {
      ...o,
      maxBytes: o.maxBytes ?? limits.maxPutSize,
      algorithm: upload?.algorithm ?? undefined,
      refused: () => assertPart(ctx, ref, uploadId, number, o),
      place: {
        bucket: ref.bucket,
        slot: [writtenKey(ref), uploadId, number].join('\0'),
        isObject: false,
        size: () => uploads.part(uploadId, number)?.size ?? null,
      },
    })
    const { md5: etag, size, checksum } = blob
    const { lastModified, replaced } = await commitBlob(ctx, blob, () => {
      uploads.demandOpen(ref, uploadId)
      const at = now()
      const before = uploads.part(uploadId, number)
      if (before) objects.dropBlob(before.blob, at.getTime())
      uploads.putPart({
        upload: uploadId,
        number,
        blob: blob.id,
        size,
        etag,
        checksum: checksum ? JSON.stringify(checksum) : null,
        modified_at: at.getTime(),
      })
      return { lastModified: at, replaced: before ? [before.blob] : [] }
    })
    const gone = await removeReplaced(ctx, ref, replaced)
    return { etag, contentLength: size, lastModified, ...(checksum && { checksum }), ...gone }
  }

  return {
    async createMultipartUpload(ref, o = {}) {
      assertKey(ref)
      assertMetadata(o)
      assertTags(o.tags ?? {})
      const checksum = checksumPlan(o.checksumAlgorithm, o.checksumType)
      const initiated = now().getTime()
      // Starts with the time, so that uploads of one key are listed oldest first.
      const uploadId = initiated.toString(16).padStart(12, '0') + randomBytes(20).toString('hex')
      // The upload counts as an object from now on, so that completing it never exceeds the quota.
      const place: Place = { bucket: ref.bucket, slot: uploadId, isObject: true, size: () => null }
      await quota.commit(place, 0, () => {
        buckets.demand(ref.bucket)
        checkWriteConditions(objects.find(ref), {}, resourceOf(ref))
        if (o.lock && buckets.objectLock(ref.bucket) === null) throw noLockConfiguration()
        uploads.add({
          id: uploadId,
          bucket: ref.bucket,
          key: ref.key,
          initiated_at: initiated,
          acl: aclText(o.acl),
          headers: JSON.stringify({ ...pickHeaders(o), ...(o.lock && { lock: o.lock }) } satisfies UploadHeaders),
          tags: JSON.stringify(o.tags ?? {}),
          initiation: o.initiation === undefined ? null : JSON.stringify(o.initiation),
          ...checksum,
        })
      })
      return { uploadId }
    },

    async uploadPart(ref, uploadId, partNumber, body, o = {}) {
      const { lastModified: _, ...written } = await writePart(ref, uploadId, partNumber, body, o)
      return written
    },

    async uploadPartCopy(ref, uploadId, partNumber, source, o = {}) {
      assertPart(ctx, ref, uploadId, partNumber, { isCopy: true })
      const ofSource = o.sourceVersionId === undefined ? {} : { versionId: o.sourceVersionId }
      const head = await reads.headObject(source, ofSource)
      checkSourceConditions(head, o.sourceConditions ?? {})
      if (o.range && o.range.end >= head.contentLength)
        throw new StorageError('InvalidArgument', {
          message: `Range specified is not valid for source object of size: ${head.contentLength}`,
        })
      // Reads exactly the version whose conditions were checked.
      const object = await reads.getObject(source, {
        ...ofSource,
        ifMatch: `"${head.etag}"`,
        ...(o.range && { range: o.range }),
      })
      const { start, end } = object.range ?? { start: 0, end: head.contentLength - 1 }
      const written = await writePart(ref, uploadId, partNumber, object.stream(), {
        contentLength: end - start + 1,
        isCopy: true,
      })
      return { ...written, ...(head.versionId !== undefined && { sourceVersionId: head.versionId }) }
    },

    async listParts(ref, uploadId, o = {}) {
      const upload = demandOpen(ctx, ref, uploadId)
      const max = checkMax(o.maxParts)
      const found = uploads.parts(uploadId, o.partNumberMarker ?? 0, max + 1)
      const parts = found.slice(0, max)
      const isTruncated = max > 0 && found.length > max
      const marker = parts.at(-1)?.number
      return {
        parts: parts.map(toPartInfo),
        isTruncated,
        ...(isTruncated && marker !== undefined && { nextPartNumberMarker: marker }),
        ...storageClassOf(upload),
        ...initiatorOf(upload),
        ...checksumFacts(upload),
      }
    },

    async getInitiation(ref, uploadId) {
      const upload = uploads.find(ref, uploadId)
      if (!upload) throw noSuchUpload(ref, uploadId)
      return { initiation: parseInitiation(upload), tags: parseTags(upload.tags) }
    },

    async abortMultipartUpload(ref, uploadId) {
      assertKey(ref)
      await queue.run(() => {
        demandOpen(ctx, ref, uploadId)
        uploads.remove(uploadId, now().getTime())
      })
    },
  }
}

/** Throws NoSuchBucket before NoSuchUpload. */
export function demandOpen(ctx: DiskContext, ref: ObjectRef, uploadId: string): UploadRow {
  ctx.buckets.demand(ref.bucket)
  return ctx.uploads.demandOpen(ref, uploadId)
}

function assertPart(
  ctx: DiskContext,
  ref: ObjectRef,
  uploadId: string,
  number: number,
  { checksum, isCopy = false }: Pick<PartOptions, 'checksum' | 'isCopy'>,
): void {
  assertKey(ref)
  if (!Number.isInteger(number) || number < 1 || number > limits.maxParts)
    throw new StorageError('InvalidArgument', {
      message: `Part number must be an integer between 1 and ${limits.maxParts}, inclusive`,
      details: { ArgumentName: 'partNumber', ArgumentValue: number },
    })
  const upload = demandOpen(ctx, ref, uploadId)
  if (!upload.algorithm || checksum?.algorithm === upload.algorithm) return
  // For a full-object checksum, the store computes the missing checksums of parts. For a composite one, the client must
  // send them.
  if (!checksum && (isCopy || upload.checksum_type === 'FULL_OBJECT')) return
  throw new StorageError('InvalidRequest', {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm}, actual checksum Type: ${checksum?.algorithm ?? 'null'}`,
  })
}

function checksumPlan(
  algorithm: ChecksumAlgorithm | undefined,
  type: ChecksumType | undefined,
): Pick<UploadRow, 'algorithm' | 'checksum_type'> {
  if (!algorithm) {
    if (!type) return { algorithm: null, checksum_type: null }
    throw new StorageError('InvalidRequest', {
      message: 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    })
  }
  const chosen = type ?? defaultChecksumType(algorithm)
  if (supportsType(algorithm, chosen)) return { algorithm, checksum_type: chosen }
  throw new StorageError('InvalidRequest', {
    message: `The ${chosen} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
  })
}

export const checksumFacts = (
  upload: UploadRow,
): { checksumAlgorithm?: ChecksumAlgorithm; checksumType?: ChecksumType } => ({
  ...(upload.algorithm && { checksumAlgorithm: upload.algorithm }),
  ...(upload.checksum_type && { checksumType: upload.checksum_type }),
})

const toPartInfo = (part: PartRow): PartInfo => ({
  partNumber: part.number,
  etag: part.etag,
  contentLength: part.size,
  lastModified: new Date(part.modified_at),
  ...(part.checksum !== null && { checksum: parseChecksum(part.checksum) }),
})
