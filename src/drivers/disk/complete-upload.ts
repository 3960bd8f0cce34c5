import { createHash } from 'node:crypto'
import { StorageError } from '../../errors.ts'
import { joinChecksums } from '../checksums/checksum.ts'
import type { Checksum, MultipartStore, ObjectRef, WrittenObject } from '../driver.ts'
import type { DiskContext } from './context.ts'
import { parseChecksum } from './object-rows.ts'
import { assertKey, limits, pickHeaders, resourceOf } from '../rules.ts'
import { lockText } from './versions/object-locks.ts'
import { noSuchUpload, type PartRow, type UploadHeaders, type UploadRow } from './upload-rows.ts'
import { placeObject } from './write-objects.ts'

type ListedPart = { partNumber: number; etag: string; checksum?: Checksum }
type CompleteOptions = NonNullable<Parameters<MultipartStore['completeMultipartUpload']>[3]>

/** Links the blobs of the parts in one transaction. No bytes are copied, so completing terabytes takes milliseconds. */
export function createCompletion(ctx: DiskContext): Pick<MultipartStore, 'completeMultipartUpload'> {
  const { buckets, uploads, queue, quota } = ctx
  return {
    async completeMultipartUpload(ref, uploadId, listed, o = {}) {
      assertKey(ref)
      const request = fingerprint(listed)
      return queue.run(() => {
        buckets.demand(ref.bucket)
        const upload = uploads.find(ref, uploadId)
        if (!upload) throw noSuchUpload(ref, uploadId)
        if (upload.result !== null) {
          if (upload.request !== request) throw noSuchUpload(ref, uploadId)
          return JSON.parse(upload.result) as WrittenObject
        }
        // The quota never rejects this, because the upload and its parts are already counted.
        return quota.held(ref, () => complete(ctx, ref, upload, listed, request, o))
      })
    },
  }
}

function complete(
  ctx: DiskContext,
  ref: ObjectRef,
  upload: UploadRow,
  listed: readonly ListedPart[],
  request: string,
  o: CompleteOptions,
): WrittenObject {
  const type = upload.checksum_type ?? 'FULL_OBJECT'
  if (o.checksumType !== undefined && o.checksumType !== type)
    throw new StorageError('InvalidRequest', {
      message: `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`,
    })
  const parts = selectParts(ctx, ref, upload, listed)
  const contentLength = parts.reduce((sum, part) => sum + part.size, 0)
  if (o.contentLength !== undefined && o.contentLength !== contentLength)
    throw new StorageError('InvalidRequest', {
      message: `The provided 'x-amz-mp-object-size' header value ${o.contentLength} does not match what was computed: ${contentLength}`,
    })
  const checksum = joinedChecksum(upload, parts, o.checksum)
  const etag = joinedEtag(parts)
  let start = 0
  for (const part of parts) {
    ctx.uploads.addSegment(upload.id, start, part)
    start += part.size
  }
  const { bucket, key } = ref
  const headers = JSON.parse(upload.headers) as UploadHeaders
  const { lastModified, versionId } = placeObject(
    ctx,
    {
      bucket,
      key,
      size: contentLength,
      etag,
      acl: upload.acl,
      sealed: 0,
      headers: JSON.stringify(pickHeaders(headers)),
      tags: upload.tags,
      checksum: checksum ? JSON.stringify(checksum) : null,
      content: upload.id,
      parts: parts.length,
      note: null,
      lock: lockText(headers.lock ?? {}),
    },
    o,
  )
  const result: WrittenObject = {
    etag,
    contentLength,
    ...(checksum && { checksum }),
    ...(versionId !== undefined && { versionId }),
  }
  ctx.uploads.setCompleted(upload.id, lastModified.getTime(), request, JSON.stringify(result))
  return result
}

/** Errors: InvalidRequest (empty list), InvalidPartOrder, InvalidPart, EntityTooSmall. */
function selectParts(ctx: DiskContext, ref: ObjectRef, upload: UploadRow, listed: readonly ListedPart[]): PartRow[] {
  if (listed.length === 0) throw new StorageError('InvalidRequest', { message: 'You must specify at least one part' })
  if (listed.some((part, i) => i > 0 && part.partNumber <= listed[i - 1]!.partNumber))
    throw new StorageError('InvalidPartOrder', {
      message: 'The list of parts was not in ascending order. Parts must be ordered by part number.',
      resource: resourceOf(ref),
    })
  const parts = listed.map((part) => selectPart(ctx, ref, upload, part))
  const small = parts.slice(0, -1).find((part) => part.size < limits.minPartSize)
  if (!small) return parts
  throw new StorageError('EntityTooSmall', {
    message: 'Your proposed upload is smaller than the minimum allowed size',
    resource: resourceOf(ref),
    details: {
      ProposedSize: small.size,
      MinSizeAllowed: limits.minPartSize,
      PartNumber: small.number,
      ETag: small.etag,
    },
  })
}

function selectPart(ctx: DiskContext, ref: ObjectRef, upload: UploadRow, listed: ListedPart): PartRow {
  const { partNumber, etag, checksum } = listed
  if (!checksum && upload.algorithm && upload.checksum_type === 'COMPOSITE')
    throw new StorageError('InvalidRequest', {
      message:
        `The upload was created using a ${upload.algorithm} checksum. The complete request must include the ` +
        `checksum for each part. It was missing for part ${partNumber} in the request.`,
    })
  const part = ctx.uploads.part(upload.id, partNumber)
  const stored = part?.checksum ? parseChecksum(part.checksum) : undefined
  const sameChecksum = !checksum || (checksum.algorithm === stored?.algorithm && checksum.value === stored.value)
  if (part && part.etag === bare(etag) && sameChecksum) return part
  throw new StorageError('InvalidPart', {
    message:
      'One or more of the specified parts could not be found. The part may not have been uploaded, or the ' +
      "specified entity tag may not match the part's entity tag.",
    resource: resourceOf(ref),
    details: { PartNumber: partNumber, ETag: bare(etag), UploadId: upload.id },
  })
}

function joinedChecksum(upload: UploadRow, parts: PartRow[], announced: Checksum | undefined): Checksum | undefined {
  const { algorithm, checksum_type: type } = upload
  if (announced && announced.algorithm !== algorithm)
    throw new StorageError('InvalidRequest', {
      message: `Checksum Type mismatch occurred, expected checksum Type: ${algorithm ?? 'null'}, actual checksum Type: ${announced.algorithm}`,
    })
  if (!algorithm || !type) return undefined
  const values = parts.map((part) => ({ value: parseChecksum(part.checksum!).value, length: part.size }))
  const joined = joinChecksums(algorithm, type, values)
  // A composite value may be given without its part count.
  if (announced && announced.value !== joined.value && announced.value !== joined.value.replace(/-\d+$/, ''))
    throw new StorageError('BadDigest', {
      message: `The ${algorithm} you specified did not match the calculated checksum.`,
    })
  return joined
}

function joinedEtag(parts: PartRow[]): string {
  const md5 = createHash('md5')
  for (const { etag } of parts) md5.update(etag, 'hex')
  return `${md5.digest('hex')}-${parts.length}`
}

const bare = (etag: string): string => etag.trim().replace(/^"(.*)"$/, '$1')

/** Identifies the listed parts, to recognise a repeated request. */
function fingerprint(listed: readonly ListedPart[]): string {
  const hash = createHash('sha256')
  for (const { partNumber, etag } of listed) hash.update(`${partNumber} ${bare(etag)}\n`)
  return hash.digest('base64url')
}
