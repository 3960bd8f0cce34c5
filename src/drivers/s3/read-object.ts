/** Heads and bodies of objects. */
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import type { Readable } from 'node:stream'
import type { ByteRange, Checksum, GetOptions, HeadOptions, ObjectHead, ObjectRef, StoredObject } from '../driver.ts'
import { isStorageError, StorageError } from '../../errors.ts'
import { withHeaders } from './connection.ts'
import { contentRange, objectHead, present, quotedEtag } from './object-head.ts'
import { checkReadConditions, isConditional } from '../conditions.ts'
import { resourceOf } from '../rules.ts'
import type { S3Deps } from './s3-deps.ts'
import { storedBody } from './stored-body.ts'

export type ReadObject = {
  headObject(ref: ObjectRef, o?: HeadOptions): Promise<ObjectHead>
  getObject(ref: ObjectRef, o?: GetOptions): Promise<StoredObject>
}

export function readObject({ settings, connection, keys }: S3Deps): ReadObject {
  const fields = (ref: ObjectRef, o: HeadOptions) => ({
    Bucket: ref.bucket,
    Key: keys.of(ref),
    ...present({ VersionId: o.versionId, PartNumber: o.partNumber }),
  })

  async function headObject(ref: ObjectRef, o: HeadOptions = {}): Promise<ObjectHead> {
    const input = { ...fields(ref, o), ChecksumMode: 'ENABLED' as const }
    const failed = { operation: 'headObject', ref }
    const answer = await connection.run(failed, (s3, _sdk, abortSignal) => s3.headObject(input, { abortSignal }), o)
    assertPart(o, answer)
    const head = objectHead(answer, o)
    checkReadConditions(head, o)
    return head
  }

  async function open(ref: ObjectRef, o: GetOptions, pinned: string | undefined): Promise<StoredObject> {
    const input = {
      ...fields(ref, o),
      ...(o.range ? { Range: rangeHeader(o.range, resourceOf(ref)) } : {}),
      ...(pinned === undefined ? {} : { IfMatch: quotedEtag(pinned) }),
    }
    const failed = { operation: 'getObject', ref }
    // The SDK's `ChecksumMode` would add a stream that hangs when the connection breaks.
    const asked = { 'x-amz-checksum-mode': 'ENABLED' }
    const answer = await connection.run(
      failed,
      (s3, sdk, abortSignal) => s3.send(withHeaders(new sdk.GetObjectCommand(input), asked), { abortSignal }),
      o,
    )
    const body = answer.Body as Readable
    try {
      assertPart(o, answer)
    } catch (refused) {
      body.destroy()
      throw refused
    }
    return storedObject(answer, body, o, { ref, stall: settings.timeouts.stall })
  }

  return {
    headObject,
    async getObject(ref, o = {}) {
      if (!isConditional(o)) return open(ref, o, undefined)
      for (let attempt = 1; ; attempt++) {
        const { etag } = await headObject(ref, { ...o })
        try {
          return await open(ref, o, etag)
        } catch (e) {
          // The object was replaced in the meantime. The conditions apply to the new one.
          if (!isStorageError(e, 'PreconditionFailed') || attempt === 3) throw e
        }
      }
    },
  }
}

function storedObject(
  answer: GetObjectCommandOutput,
  body: Readable,
  o: GetOptions,
  transfer: { ref: ObjectRef; stall: number },
): StoredObject {
  const head = objectHead(answer, o)
  const sent = contentRange(answer.ContentRange)
  const partial = sent && !(sent.start === 0 && sent.end === sent.total - 1 && answer.$metadata.httpStatusCode === 200)
  return {
    head,
    ...(partial ? { range: { start: sent.start, end: sent.end } } : {}),
    ...storedBody(
      body,
      { contentLength: answer.ContentLength ?? head.contentLength, ...known(head, answer) },
      transfer,
    ),
  }
}

/** The checksum that the bytes of this response must have, if the store returned one of the whole object. */
function known(
  { checksum }: ObjectHead,
  { ContentRange, PartsCount }: Pick<GetObjectCommandOutput, 'ContentRange' | 'PartsCount'>,
): { checksum?: Checksum } {
  // A composite checksum is a digest of digests.
  const isOfWhole = checksum?.type !== 'COMPOSITE' && !checksum?.value.includes('-')
  return checksum && isOfWhole && ContentRange === undefined && PartsCount === undefined ? { checksum } : {}
}

/** A store that cannot read single parts responds with the whole object instead of 206 Partial Content. */
function assertPart(o: HeadOptions, answer: Pick<GetObjectCommandOutput, '$metadata' | 'PartsCount'>): void {
  if (o.partNumber === undefined || answer.$metadata.httpStatusCode === 206 || answer.PartsCount !== undefined) return
  throw new StorageError('NotSupported', { message: "The bucket's store cannot read a single part of an object." })
}

function rangeHeader(range: ByteRange, resource: string): string {
  if ('start' in range) return `bytes=${range.start}-${range.end ?? ''}`
  // RFC 9110: a suffix of zero bytes is unsatisfiable. Ceph 16 sends the whole object for it.
  if (range.suffix === 0) throw new StorageError('InvalidRange', { resource })
  return `bytes=-${range.suffix}`
}
