/** Multipart uploads. The store keeps the list of parts, this process keeps none. */
import type { Readable } from 'node:stream'
import type { MultipartStore, ObjectRef, WrittenObject } from '../driver.ts'
import { isStorageError, StorageError } from '../../errors.ts'
import { cannedAcl } from './canned-acl.ts'
import { assertExpectation, collect, collectedUpTo, streamThrough, type Expected } from './expected-body.ts'
import { attemptsOf } from './aws-error.ts'
import { headerFields, present, sdkAlgorithm, bodyChecksum, tagging, written } from './object-head.ts'
import { dispose } from '../receive-body.ts'
import { assertPartNumber, limits } from '../rules.ts'
import type { S3Deps } from './s3-deps.ts'

export type Multipart = Pick<MultipartStore, 'createMultipartUpload' | 'uploadPart' | 'abortMultipartUpload'> & {
  /** Uploads one part from memory. Resolves to its ETag. */
  putPart(ref: ObjectRef, uploadId: string, partNumber: number, bytes: Buffer, signal?: AbortSignal): Promise<string>
  /** Aborts a failed upload. If this fails too, the collector aborts it later. */
  abortQuietly(ref: ObjectRef, uploadId: string): Promise<void>
}

/** Bytes. S3 requires the length of a part. A part of unknown length is buffered up to this size. */
const collectedPart = 64 * 1024 * 1024

export function multipartUploads({ settings, connection, keys }: S3Deps): Multipart {
  const target = (ref: ObjectRef) => ({ Bucket: ref.bucket, Key: keys.of(ref) })
  const part = (ref: ObjectRef, uploadId: string, partNumber: number, o: Expected) => ({
    ...target(ref),
    UploadId: uploadId,
    PartNumber: partNumber,
    ...bodyChecksum(settings.preset, o),
    ...present({ ContentLength: o.contentLength, ContentMD5: o.md5 }),
  })

  async function sendPart(
    input: ReturnType<typeof part>,
    ref: ObjectRef,
    body: Readable | Buffer,
    signal?: AbortSignal,
  ) {
    return connection.run(
      { operation: 'uploadPart', ref },
      (s3, _sdk, abortSignal) => s3.uploadPart({ ...input, Body: body }, { abortSignal }),
      { signal, ...(Buffer.isBuffer(body) ? { bytes: body.length } : { isWatched: true }) },
    )
  }

  async function uploadCollected(ref: ObjectRef, uploadId: string, partNumber: number, body: Readable, o: Expected) {
    const { bytes, checksum } = await collect(body, { ...o, maxBytes: Math.min(o.maxBytes, collectedPart) }).catch(
      (e: unknown) => {
        if (!isStorageError(e, 'EntityTooLarge') || o.maxBytes <= collectedPart) throw e
        throw new StorageError('MissingContentLength', {
          message: 'A part of this size requires a Content-Length.',
          cause: e,
        })
      },
    )
    const known = { ...o, contentLength: bytes.length, ...present({ checksum }) }
    const answer = await sendPart(part(ref, uploadId, partNumber, known), ref, bytes, o.signal)
    return written(answer, bytes.length, checksum)
  }

  async function abortMultipartUpload(ref: ObjectRef, uploadId: string): Promise<void> {
    const input = { ...target(ref), UploadId: uploadId }
    const failed = { operation: 'abortMultipartUpload', ref }
    try {
      await connection.run(failed, (s3, _sdk, abortSignal) => s3.abortMultipartUpload(input, { abortSignal }))
    } catch (e) {
      // An earlier attempt may have aborted it, with a lost response.
      if (!isStorageError(e, 'NoSuchUpload') || attemptsOf(e) === 1) throw e
    }
  }

  return {
    async createMultipartUpload(ref, o = {}) {
      if (o.tags && !settings.preset.keepsTags) {
        throw new StorageError('NotSupported', {
          message: "The bucket's store does not keep tags of a multipart upload. Set them after the upload.",
        })
      }
      const input = {
        ...target(ref),
        ...headerFields(o),
        ...present({
          ACL: cannedAcl(o.acl),
          Tagging: tagging(o.tags),
          ChecksumAlgorithm: o.checksumAlgorithm && sdkAlgorithm(o.checksumAlgorithm, settings.preset),
          ChecksumType: o.checksumType,
        }),
      }
      const failed = { operation: 'createMultipartUpload', ref }
      const { UploadId } = await connection.run(failed, (s3, _sdk, abortSignal) =>
        s3.createMultipartUpload(input, { abortSignal }),
      )
      return { uploadId: UploadId! }
    },

    async uploadPart(ref, uploadId, partNumber, body, given = {}): Promise<WrittenObject> {
      const o = { ...given, maxBytes: given.maxBytes ?? limits.maxPutSize }
      const input = checked(body, () => {
        assertPartNumber(partNumber)
        assertExpectation(o)
        return part(ref, uploadId, partNumber, o)
      })
      const { contentLength } = o
      if (contentLength === undefined || contentLength <= collectedUpTo) {
        return uploadCollected(ref, uploadId, partNumber, body, o)
      }
      const { answer, checksum } = await streamThrough(
        body,
        { ...o, stall: settings.timeouts.stall },
        (stream, abort) => sendPart(input, ref, stream, abort),
      )
      return written(answer, contentLength, checksum)
    },

    async putPart(ref, uploadId, partNumber, bytes, signal) {
      const input = part(ref, uploadId, partNumber, { maxBytes: bytes.length, contentLength: bytes.length })
      return written(await sendPart(input, ref, bytes, signal), bytes.length).etag
    },

    abortMultipartUpload,

    async abortQuietly(ref, uploadId) {
      await abortMultipartUpload(ref, uploadId).catch((error: unknown) => {
        settings.log.warn({ err: error, key: ref.key }, 'a failed multipart upload could not be aborted')
      })
    },
  }
}

/** Returns the result of `make`. If it throws, the body is destroyed or paused. */
export function checked<T>(body: Readable, make: () => T): T {
  // Until the body is read it has no other error listener, and an unhandled error would end the process.
  body.on('error', () => {})
  try {
    return make()
  } catch (refused) {
    dispose(body)
    throw refused
  }
}
