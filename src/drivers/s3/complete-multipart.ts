/** Makes CompleteMultipartUpload repeatable, also on stores that forget an upload once it is complete. */
import { createHash } from 'node:crypto'
import type { CompleteMultipartUploadCommandOutput } from '@aws-sdk/client-s3'
import type { JoinedObject, MultipartStore, ObjectHead, ObjectRef } from '../driver.ts'
import { isStorageError, StorageError } from '../../errors.ts'
import { attemptsOf } from './aws-error.ts'
import { bareEtag, checksumField, checksumOf, present, quotedEtag } from './object-head.ts'
import { assertPartNumber } from '../rules.ts'
import type { S3Deps } from './s3-deps.ts'
import { conditionFields } from './write-conditions.ts'

type Complete = MultipartStore['completeMultipartUpload']
type Parts = Parameters<Complete>[2]

export type CompleteDeps = S3Deps & {
  headObject(ref: ObjectRef): Promise<ObjectHead>
  listParts: MultipartStore['listParts']
}

export function completeMultipart(deps: CompleteDeps): Complete {
  const { settings, connection, keys } = deps
  return async (ref, uploadId, parts, o = {}) => {
    assertParts(parts)
    const knowsChecksums = settings.preset.capabilities.includes('signed-checksum')
    if (!knowsChecksums && (o.checksum || o.checksumType || parts.some((part) => part.checksum))) {
      throw new StorageError('NotSupported', { message: "The bucket's store does not verify checksums." })
    }
    const input = {
      Bucket: ref.bucket,
      Key: keys.of(ref),
      UploadId: uploadId,
      MultipartUpload: { Parts: parts.map(completedPart) },
      ...(o.checksum ? checksumField(o.checksum) : {}),
      ...present({ ChecksumType: o.checksumType }),
      ...conditionFields(settings, o, 'conditionalComplete'),
    }
    try {
      if (o.contentLength !== undefined) await assertSize(deps, ref, uploadId, parts, o.contentLength)
      const failed = { operation: 'completeMultipartUpload', ref }
      const answer = await connection.run(failed, (s3, _sdk, abortSignal) =>
        s3.completeMultipartUpload(input, { abortSignal }),
      )
      return await joined(deps, ref, parts, answer)
    } catch (e) {
      return completedBefore(deps, ref, uploadId, parts, e)
    }
  }
}

/** The parts were joined, so the call succeeds even if the object has changed since. */
async function joined(
  deps: CompleteDeps,
  ref: ObjectRef,
  parts: Parts,
  answer: CompleteMultipartUploadCommandOutput,
): Promise<JoinedObject> {
  // Ceph 16 leaves the ETag of its response empty.
  const etag = bareEtag(answer.ETag) || joinedEtag(parts)
  const head = await deps.headObject(ref).catch((e: unknown) => {
    if (isStorageError(e, 'NotFound', 'Unavailable')) return null
    throw e
  })
  const isOurs = head?.etag === etag
  return completed(isOurs ? head : null, etag, answer.VersionId, checksumOf(answer))
}

/**
 * If the upload is gone and the object has the ETag of these parts, an earlier call has joined them. Otherwise the
 * error is thrown. Ceph 16 responds with 500 for an upload that it has forgotten.
 */
async function completedBefore(
  deps: CompleteDeps,
  ref: ObjectRef,
  uploadId: string,
  parts: Parts,
  error: unknown,
): Promise<JoinedObject> {
  if (!isStorageError(error, 'NoSuchUpload', 'Unavailable')) throw error
  const gone = await deps.listParts(ref, uploadId, { maxParts: 1 }).then(
    () => null,
    (e: unknown) => e,
  )
  if (!isStorageError(gone, 'NoSuchUpload')) throw error
  const head = await deps.headObject(ref).catch(() => null)
  if (head?.etag !== joinedEtag(parts)) throw lostAnswer(error) ? unknownOutcome(error) : gone
  return completed(head, head.etag, head.versionId, head.checksum)
}

/** Whether this call may have joined the parts, because the response to one of its attempts was lost. */
function lostAnswer(error: unknown): boolean {
  const { $metadata = {} } = ((error as Error).cause ?? {}) as { $metadata?: { httpStatusCode?: number } }
  if (isStorageError(error, 'Unavailable')) return $metadata.httpStatusCode === undefined
  return attemptsOf(error) > 1
}

const unknownOutcome = (cause: unknown): StorageError =>
  isStorageError(cause, 'Unavailable')
    ? cause
    : new StorageError('Unavailable', {
        message:
          'The bucket no longer has the upload, and its first response was lost. Whether the parts were joined is unknown.',
        retryAfter: 5,
        cause,
      })

const completed = (
  head: ObjectHead | null,
  etag: string,
  versionId: string | undefined,
  checksum: JoinedObject['checksum'],
): JoinedObject => ({
  etag,
  ...present({
    contentLength: head?.contentLength,
    checksum: checksum ?? head?.checksum,
    versionId: versionId === 'null' ? undefined : versionId,
  }),
})

/** The ETag that S3 gives to joined parts: the MD5 of their MD5s, and the number of parts. */
export const joinedEtag = (parts: readonly { etag: string }[]): string => {
  const md5s = Buffer.concat(parts.map(({ etag }) => Buffer.from(bareEtag(etag), 'hex')))
  return `${createHash('md5').update(md5s).digest('hex')}-${parts.length}`
}

const completedPart = ({ partNumber, etag, checksum }: Parts[number]) => ({
  PartNumber: partNumber,
  ETag: quotedEtag(etag),
  ...(checksum ? checksumField(checksum) : {}),
})

/** S3 requires ascending order. Ceph 16 sorts the parts itself. */
function assertParts(parts: Parts): void {
  if (parts.length === 0) throw new StorageError('InvalidRequest', { message: 'You must specify at least one part' })
  let before = 0
  for (const { partNumber } of parts) {
    assertPartNumber(partNumber)
    if (partNumber <= before) {
      throw new StorageError('InvalidPartOrder', {
        message: 'The list of parts was not in ascending order. Parts must be ordered by part number.',
      })
    }
    before = partNumber
  }
}

async function assertSize(deps: CompleteDeps, ref: ObjectRef, uploadId: string, parts: Parts, expected: number) {
  const wanted = new Set(parts.map(({ partNumber }) => partNumber))
  let size = 0
  let partNumberMarker: number | undefined
  do {
    const page = await deps.listParts(ref, uploadId, present({ partNumberMarker }))
    for (const part of page.parts) if (wanted.has(part.partNumber)) size += part.contentLength
    partNumberMarker = page.isTruncated ? page.nextPartNumberMarker : undefined
  } while (partNumberMarker !== undefined)
  if (size !== expected) {
    throw new StorageError('InvalidRequest', {
      message: 'The sizes of the parts do not add up to the declared size of the object.',
    })
  }
}
