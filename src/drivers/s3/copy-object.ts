/** Server-side copies of exactly the bytes whose conditions were checked. */
import { isDeepStrictEqual } from 'node:util'
import type {
  CopyOptions,
  MultipartStore,
  ObjectHead,
  ObjectHeaders,
  ObjectRef,
  ObjectStore,
  PartInfo,
  WriteConditions,
  WrittenObject,
} from '../driver.ts'
import { isStorageError, StorageError } from '../../errors.ts'
import { cannedAcl } from './canned-acl.ts'
import type { CompleteDeps } from './complete-multipart.ts'
import { withHeaders } from './connection.ts'
import { copySource } from './bucket-keys.ts'
import type { Multipart } from './multipart.ts'
import {
  bareEtag,
  checksumOf,
  headerFields,
  present,
  quotedEtag,
  sdkAlgorithm,
  tagging,
  written,
  refuseLock,
} from './object-head.ts'
import { checkSourceConditions } from '../conditions.ts'
import type { ReadObject } from './read-object.ts'
import { assertPartNumber, resourceOf } from '../rules.ts'
import type { S3Deps } from './s3-deps.ts'
import { conditionFields, writeConditions } from './write-conditions.ts'
import { tagWritten } from './write-object.ts'

export type CopyDeps = S3Deps &
  ReadObject &
  Multipart &
  Pick<CompleteDeps, 'listParts'> &
  Pick<ObjectStore, 'getObjectTags' | 'putObjectTags' | 'deleteObject'> &
  Pick<MultipartStore, 'completeMultipartUpload'> & {
    /** Bytes: the maximum of one CopyObject, and the minimum size of a part of larger copies. */
    copySizes: { atOnce: number; part: number }
  }

export type Copies = Pick<ObjectStore, 'copyObject'> & Pick<MultipartStore, 'uploadPartCopy'>

type Source = { ref: ObjectRef; versionId?: string; head: ObjectHead }

export function copies(deps: CopyDeps): Copies {
  const { settings, connection, keys } = deps
  const setTags = tagWritten(deps)

  /** Request fields and headers for the source and its required ETag. */
  function pin({ ref, versionId, head }: Source) {
    const standard = settings.preset.copyIfMatch !== 'ignored'
    const fields = {
      CopySource: copySource(ref.bucket, keys.of(ref), versionId),
      ...(standard ? { CopySourceIfMatch: quotedEtag(head.etag) } : {}),
    }
    return { fields, headers: settings.preset.copyIfMatch === 'ceph' ? { 'x-amz-copy-if-match': head.etag } : {} }
  }

  async function find(
    ref: ObjectRef,
    o: Pick<CopyOptions, 'sourceVersionId' | 'sourceConditions' | 'signal'>,
  ): Promise<Source> {
    const versionId = o.sourceVersionId
    const head = await deps.headObject(ref, present({ versionId, signal: o.signal }))
    checkSourceConditions(head, o.sourceConditions ?? {})
    return { ref, head, ...present({ versionId }) }
  }

  async function tagsFor({ ref, head }: Source, o: CopyOptions): Promise<Record<string, string> | undefined> {
    if (o.taggingDirective === 'REPLACE') return o.tags
    return head.tagCount ? deps.getObjectTags(ref) : undefined
  }

  /** For stores and part copies that ignore the source condition. */
  async function assertUnchanged({ ref, versionId, head }: Source): Promise<void> {
    const now = await deps.headObject(ref, present({ versionId }))
    if (now.etag === head.etag && now.lastModified.getTime() === head.lastModified.getTime()) return
    throw new StorageError('PreconditionFailed', {
      resource: resourceOf(ref),
      message: 'The source changed while it was copied. Copy it again.',
    })
  }

  async function copyAtOnce(source: Source, target: ObjectRef, o: Parameters<Copies['copyObject']>[2] & object) {
    const { fields, headers } = pin(source)
    const tags = settings.preset.keepsTags || !replaces(o) ? undefined : await tagsFor(source, o)
    const input = {
      ...fields,
      Bucket: target.bucket,
      Key: keys.of(target),
      ...(o.metadataDirective === 'REPLACE' ? headerFields(o) : {}),
      ...present({
        MetadataDirective: o.metadataDirective,
        TaggingDirective: o.taggingDirective,
        Tagging: o.taggingDirective === 'REPLACE' ? (tagging(o.tags) ?? '') : undefined,
        ACL: cannedAcl(o.acl),
        ChecksumAlgorithm: o.checksumAlgorithm && sdkAlgorithm(o.checksumAlgorithm, settings.preset),
      }),
      ...conditionFields(settings, o, 'conditionalCopy'),
    }
    const failed = { operation: 'copyObject', ref: source.ref }
    const result = await connection
      .run(
        failed,
        (s3, sdk, abortSignal) => s3.send(withHeaders(new sdk.CopyObjectCommand(input), headers), { abortSignal }),
        o,
      )
      .then(({ CopyObjectResult, VersionId }) => ({ ...CopyObjectResult, ...present({ VersionId }) }))
      .catch((e: unknown) => lookUpCopy(e, source, target, o))
    const copy = written(result, source.head.contentLength)
    if (settings.preset.copyIfMatch === 'ignored') await assertCopied(source, target, copy)
    if (tags) await setTags(target, tags)
    return { ...copy, lastModified: result.LastModified ?? settings.now() }
  }

  /**
   * After a copy without a response, checks whether the target is now the copy. Errors: `error` if it is not, or if
   * this cannot be determined.
   */
  async function lookUpCopy(
    error: unknown,
    { head }: Source,
    target: ObjectRef,
    o: CopyOptions & WriteConditions,
  ): Promise<{ ETag: string; LastModified: Date; VersionId?: string }> {
    const isConditional = o.ifMatch !== undefined || o.ifNoneMatch !== undefined
    const newTags = o.taggingDirective === 'REPLACE' && Object.keys(o.tags ?? {}).length > 0
    if (!isStorageError(error, 'Unavailable') || isConditional || newTags) throw error
    const found = await deps.headObject(target).catch(() => null)
    const wanted = o.metadataDirective === 'REPLACE' ? o : head
    const isCopy =
      found !== null &&
      found.etag === head.etag &&
      found.contentLength === head.contentLength &&
      (o.taggingDirective !== 'REPLACE' || !found.tagCount) &&
      isDeepStrictEqual(described(found), described(wanted))
    if (!isCopy) throw error
    return { ETag: found.etag, LastModified: found.lastModified, ...present({ VersionId: found.versionId }) }
  }

  /** The copy of joined parts may have a different kind of ETag. In this case the source must be unchanged. */
  async function assertCopied(source: Source, target: ObjectRef, copy: WrittenObject): Promise<void> {
    if (copy.etag === source.head.etag) return
    try {
      await assertUnchanged(source)
      if (!source.head.etag.includes('-')) {
        throw new StorageError('PreconditionFailed', {
          resource: resourceOf(source.ref),
          message: 'The source was replaced while it was copied. Copy it again.',
        })
      }
    } catch (e) {
      await deps.deleteObject(target, present({ versionId: copy.versionId }))
      throw e
    }
  }

  async function copyInParts(source: Source, target: ObjectRef, o: Parameters<Copies['copyObject']>[2] & object) {
    const { head } = source
    const headers = o.metadataDirective === 'REPLACE' ? o : head
    const tags = await tagsFor(source, o)
    conditionFields(settings, o, 'conditionalComplete')
    const { keepsTags } = settings.preset
    const { uploadId } = await deps.createMultipartUpload(target, {
      ...headers,
      ...present({ tags: keepsTags ? tags : undefined, acl: o.acl, checksumAlgorithm: o.checksumAlgorithm }),
    })
    try {
      const parts = await inOrder(partRanges(head.contentLength, deps.copySizes.part), async (range, i) => {
        const { etag } = await copyPart(source, target, uploadId, i + 1, range).catch((e: unknown) =>
          lookUpPart(e, { target, uploadId, partNumber: i + 1, contentLength: range.end - range.start + 1 }),
        )
        return { partNumber: i + 1, etag }
      })
      if (settings.preset.copyIfMatch !== 'standard') await assertUnchanged(source)
      const copy = await deps.completeMultipartUpload(target, uploadId, parts, writeConditions(o))
      if (tags && !keepsTags) await setTags(target, tags)
      return { ...copy, contentLength: head.contentLength, lastModified: settings.now() }
    } catch (e) {
      await deps.abortQuietly(target, uploadId)
      throw e
    }
  }

  /**
   * After a part copy without a response, looks up the part. `etag` is set if the part's ETag is known in advance.
   * Errors: `error`.
   */
  async function lookUpPart(
    error: unknown,
    o: { target: ObjectRef; uploadId: string; partNumber: number; contentLength: number; etag?: string },
  ): Promise<PartInfo> {
    if (!isStorageError(error, 'Unavailable')) throw error
    const { target, uploadId, partNumber } = o
    const page = { maxParts: 1, partNumberMarker: partNumber - 1 }
    const found = await deps.listParts(target, uploadId, page).catch(() => null)
    const part = found?.parts.find((one) => one.partNumber === partNumber)
    if (part?.contentLength === o.contentLength && (o.etag === undefined || o.etag === part.etag)) return part
    throw error
  }

  async function copyPart(
    source: Source,
    target: ObjectRef,
    uploadId: string,
    partNumber: number,
    range: { start: number; end: number } | undefined,
  ) {
    const input = {
      ...pin(source).fields,
      Bucket: target.bucket,
      Key: keys.of(target),
      UploadId: uploadId,
      PartNumber: partNumber,
      ...(range ? { CopySourceRange: `bytes=${range.start}-${range.end}` } : {}),
    }
    const failed = { operation: 'uploadPartCopy', ref: target }
    const { CopyPartResult = {} } = await connection.run(failed, (s3, _sdk, abortSignal) =>
      s3.uploadPartCopy(input, { abortSignal }),
    )
    return {
      etag: bareEtag(CopyPartResult.ETag),
      contentLength: range ? range.end - range.start + 1 : source.head.contentLength,
      lastModified: CopyPartResult.LastModified ?? settings.now(),
      ...present({ checksum: checksumOf(CopyPartResult) }),
    }
  }

  return {
    async copyObject(from, target, o = {}) {
      keys.of(target)
      refuseLock(o)
      const source = await find(from, o)
      return source.head.contentLength > deps.copySizes.atOnce
        ? copyInParts(source, target, o)
        : copyAtOnce(source, target, o)
    },

    async uploadPartCopy(target, uploadId, partNumber, from, o = {}) {
      keys.of(target)
      assertPartNumber(partNumber)
      const source = await find(from, o)
      const { etag, contentLength } = source.head
      // An older part may have the same number. Only a part whose ETag is known in advance can be recognised.
      const isKnown = o.range === undefined && !etag.includes('-')
      const part = await copyPart(source, target, uploadId, partNumber, o.range).catch((e: unknown) => {
        if (!isKnown) throw e
        return lookUpPart(e, { target, uploadId, partNumber, contentLength, etag })
      })
      if (settings.preset.copyIfMatch !== 'standard') await assertUnchanged(source)
      return part
    },
  }
}

/** The headers that a copy keeps and a HEAD returns. */
const described = (o: ObjectHeaders) => [
  o.contentType,
  o.cacheControl,
  o.contentDisposition,
  o.contentEncoding,
  { ...o.metadata },
]

const replaces = (o: CopyOptions): boolean => o.taggingDirective === 'REPLACE' || o.metadataDirective === 'REPLACE'

const maxPartsCopied = 10_000
const parallel = 4

function partRanges(contentLength: number, leastSize: number): { start: number; end: number }[] {
  const size = Math.max(leastSize, Math.ceil(contentLength / maxPartsCopied))
  const ranges = []
  for (let start = 0; start < contentLength; start += size) {
    ranges.push({ start, end: Math.min(start + size, contentLength) - 1 })
  }
  return ranges
}

async function inOrder<T, R>(items: readonly T[], run: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += parallel) {
    results.push(...(await Promise.all(items.slice(at, at + parallel).map((item, i) => run(item, at + i)))))
  }
  return results
}
