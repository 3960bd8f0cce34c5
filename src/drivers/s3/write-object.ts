/**
 * PutObject. A small body is buffered and sent at once. A larger body of known length is streamed. A body of unknown
 * length becomes a multipart upload as soon as it exceeds one part, because S3 requires a length.
 */
import type { Readable } from 'node:stream'
import type { Checksum, MultipartStore, ObjectRef, ObjectStore, PutOptions, WrittenObject } from '../driver.ts'
import { isStorageError } from '../../errors.ts'
import { cannedAcl } from './canned-acl.ts'
import { assertExpectation, collect, collectedUpTo, inPieces, streamThrough, type Expected } from './expected-body.ts'
import { checked, type Multipart } from './multipart.ts'
import { headerFields, present, bodyChecksum, tagging, written } from './object-head.ts'
import { limits } from '../rules.ts'
import type { S3Deps } from './s3-deps.ts'
import { conditionFields, writeConditions } from './write-conditions.ts'

const pieceSize = 8 * 1024 * 1024

export type WriteObject = (ref: ObjectRef, body: Readable, o?: PutOptions) => Promise<WrittenObject>

type WriteDeps = S3Deps &
  Multipart &
  Pick<MultipartStore, 'completeMultipartUpload'> &
  Pick<ObjectStore, 'putObjectTags'>

export function writeObject(deps: WriteDeps): WriteObject {
  const { settings, connection, keys } = deps
  const setTags = tagWritten(deps)
  const failed = (ref: ObjectRef) => ({ operation: 'putObject', ref })

  const fields = (ref: ObjectRef, o: PutOptions) => ({
    Bucket: ref.bucket,
    Key: keys.of(ref),
    ...headerFields(o),
    ...present({ ACL: cannedAcl(o.acl), Tagging: tagging(o.tags), ContentMD5: o.md5 }),
    ...conditionFields(settings, o, 'conditional-put'),
    ...bodyChecksum(settings.preset, o),
  })

  async function putBytes(ref: ObjectRef, bytes: Buffer, checksum: Checksum | undefined, o: PutOptions) {
    const input = { ...fields(ref, present({ ...o, checksum })), Body: bytes, ContentLength: bytes.length }
    const answer = await connection.run(failed(ref), (s3, _sdk, abortSignal) => s3.putObject(input, { abortSignal }), {
      signal: o.signal,
      bytes: bytes.length,
    })
    return written(answer, bytes.length, checksum)
  }

  async function putStream(ref: ObjectRef, body: Readable, contentLength: number, o: PutOptions & Expected) {
    const input = { ...fields(ref, o), ContentLength: contentLength }
    const { answer, checksum } = await streamThrough(body, { ...o, stall: settings.timeouts.stall }, (Body, signal) =>
      connection.run(failed(ref), (s3, _sdk, abortSignal) => s3.putObject({ ...input, Body }, { abortSignal }), {
        signal,
        isWatched: true,
      }),
    )
    return written(answer, contentLength, checksum)
  }

  async function putUnknown(ref: ObjectRef, body: Readable, o: PutOptions & Expected): Promise<WrittenObject> {
    let result: WrittenObject | undefined
    const { keepsTags } = settings.preset
    let contentLength = 0
    let upload: { uploadId: string; parts: { partNumber: number; etag: string }[] } | undefined
    try {
      await inPieces(body, o, pieceSize, async (piece, isLast, checksum) => {
        if (isLast && !upload) {
          result = await putBytes(ref, piece, checksum, o)
          return
        }
        conditionFields(settings, o, 'conditionalComplete')
        upload ??= { ...(await deps.createMultipartUpload(ref, keepsTags ? o : withoutTags(o))), parts: [] }
        const { uploadId, parts } = upload
        const partNumber = parts.length + 1
        contentLength += piece.length
        parts.push({ partNumber, etag: await deps.putPart(ref, uploadId, partNumber, piece, o.signal) })
        if (!isLast) return
        const done = await deps.completeMultipartUpload(ref, uploadId, parts, writeConditions(o))
        if (o.tags && !keepsTags) await setTags(ref, o.tags)
        result = { contentLength, ...done, ...(checksum ? { checksum } : {}) }
      })
    } catch (e) {
      if (upload) await deps.abortQuietly(ref, upload.uploadId)
      throw e
    }
    return result!
  }

  return async (ref, body, given = {}) => {
    const o = { ...given, maxBytes: given.maxBytes ?? limits.maxPutSize }
    checked(body, () => {
      assertExpectation(o)
      return fields(ref, o)
    })
    if (o.contentLength === undefined) return putUnknown(ref, body, o)
    if (o.contentLength > collectedUpTo) return putStream(ref, body, o.contentLength, o)
    const { bytes, checksum } = await collect(body, o)
    return putBytes(ref, bytes, checksum, o)
  }
}

/**
 * Sets the tags of an object that was just written. The write succeeds even if another call has deleted the object
 * since.
 */
export const tagWritten =
  ({ putObjectTags }: Pick<ObjectStore, 'putObjectTags'>): ObjectStore['putObjectTags'] =>
  async (ref, tags) => {
    try {
      await putObjectTags(ref, tags)
    } catch (e) {
      if (!isStorageError(e, 'NotFound')) throw e
    }
  }

const withoutTags = ({ tags: _setAfterwards, ...o }: PutOptions): PutOptions => o
