/** Listings. Adds the configured prefix to requests and removes it from results. */
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import type { ListOptions, MultipartStore, ObjectPage } from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { writeCheckKey } from './bucket-keys.ts'
import { bareEtag, checksumOf, ourAlgorithm, present } from './object-head.ts'
import type { S3Deps } from './s3-deps.ts'

export type Listings = Pick<MultipartStore, 'listParts' | 'listMultipartUploads'> & {
  listObjects(o: ListOptions): Promise<ObjectPage>
}

export function listings({ settings, connection, keys }: S3Deps): Listings {
  const within = ({ bucket, prefix, delimiter }: Pick<ListOptions, 'bucket' | 'prefix' | 'delimiter'>) => ({
    Bucket: bucket,
    Prefix: keys.prefix(prefix),
    ...present({ Delimiter: delimiter || undefined }),
  })

  return {
    async listObjects(o) {
      keys.assertBucket(o.bucket)
      if (o.maxKeys === 0) return { objects: [], commonPrefixes: [], isTruncated: false }
      const input = {
        ...within(o),
        ...present({
          MaxKeys: o.maxKeys,
          StartAfter: o.startAfter ? keys.prefix(startAfter(o)) : undefined,
          ContinuationToken: o.continuationToken === undefined ? undefined : storeToken(o.continuationToken),
        }),
      }
      const failed = { operation: 'listObjects', ref: { bucket: o.bucket } }
      for (let token = input.ContinuationToken; ;) {
        const asked = { ...input, ...present({ ContinuationToken: token }) }
        const answer = await connection.run(
          failed,
          (s3, _sdk, abortSignal) => s3.listObjectsV2(asked, { abortSignal }),
          o,
        )
        const found = page(answer, keys.strip)
        token = answer.NextContinuationToken
        const isEmpty = found.objects.length + found.commonPrefixes.length === 0
        // ListObjects (version 1) continues after the last key of a page, so a truncated page must not be empty.
        if (!isEmpty || !found.isTruncated || token === undefined) return found
      }
    },

    async listParts(ref, uploadId, o = {}) {
      const input = {
        Bucket: ref.bucket,
        Key: keys.of(ref),
        UploadId: uploadId,
        ...present({
          MaxParts: o.maxParts,
          PartNumberMarker: o.partNumberMarker === undefined ? undefined : String(o.partNumberMarker),
        }),
      }
      const answer = await connection.run({ operation: 'listParts', ref }, (s3, _sdk, abortSignal) =>
        s3.listParts(input, { abortSignal }),
      )
      const parts = (answer.Parts ?? []).map((part) => ({
        partNumber: part.PartNumber!,
        etag: bareEtag(part.ETag),
        contentLength: part.Size ?? 0,
        lastModified: part.LastModified ?? new Date(0),
        ...present({ checksum: checksumOf(part) }),
      }))
      const type = answer.ChecksumType
      return {
        parts,
        isTruncated: answer.IsTruncated ?? false,
        ...present({
          nextPartNumberMarker: answer.IsTruncated ? (parts.at(-1)?.partNumber ?? undefined) : undefined,
          checksumAlgorithm: ourAlgorithm(answer.ChecksumAlgorithm),
          checksumType: type === 'FULL_OBJECT' || type === 'COMPOSITE' ? type : undefined,
        }),
      }
    },

    async listMultipartUploads(o) {
      keys.assertBucket(o.bucket)
      if (o.delimiter && !settings.preset.foldsUploads) {
        throw new StorageError('NotSupported', {
          message: "The bucket's store does not support a delimiter when it lists uploads.",
        })
      }
      const input = {
        ...within(o),
        ...present({
          MaxUploads: o.maxUploads,
          KeyMarker: o.keyMarker ? keys.prefix(o.keyMarker) : undefined,
          UploadIdMarker: o.uploadIdMarker || undefined,
        }),
      }
      const failed = { operation: 'listMultipartUploads', ref: { bucket: o.bucket } }
      const answer = await connection.run(failed, (s3, _sdk, abortSignal) =>
        s3.listMultipartUploads(input, { abortSignal }),
      )
      const next = answer.IsTruncated ? answer.NextKeyMarker : undefined
      return {
        uploads: (answer.Uploads ?? []).map((upload) => ({
          key: keys.strip(upload.Key!),
          uploadId: upload.UploadId!,
          initiated: upload.Initiated ?? new Date(0),
          ...present({
            checksumAlgorithm: ourAlgorithm(upload.ChecksumAlgorithm),
            checksumType: upload.ChecksumType,
          }),
        })),
        commonPrefixes: (answer.CommonPrefixes ?? []).map(({ Prefix }) => keys.strip(Prefix!)),
        isTruncated: answer.IsTruncated ?? false,
        ...present({
          nextKeyMarker: next === undefined ? undefined : keys.strip(next),
          nextUploadIdMarker: next === undefined ? undefined : answer.NextUploadIdMarker || undefined,
        }),
      }
    },
  }
}

/** Skips a common prefix as a whole: no key below it sorts after the highest code point. */
function startAfter({ startAfter: key = '', prefix = '', delimiter }: ListOptions): string {
  const isCommonPrefix = delimiter && key.endsWith(delimiter) && key.startsWith(prefix) && key.length > prefix.length
  return isCommonPrefix ? `${key}\u{10FFFF}` : key
}

function page(answer: ListObjectsV2CommandOutput, strip: (storeKey: string) => string): ObjectPage {
  const objects = (answer.Contents ?? []).map((object) => ({
    key: strip(object.Key!),
    contentLength: object.Size ?? 0,
    etag: bareEtag(object.ETag),
    lastModified: object.LastModified ?? new Date(0),
  }))
  const commonPrefixes = (answer.CommonPrefixes ?? []).map(({ Prefix }) => strip(Prefix!))
  const last = [objects.at(-1)?.key, commonPrefixes.at(-1)]
    .filter((name) => name !== undefined)
    .toSorted(byBytes)
    .at(-1)
  return {
    objects: objects.filter(({ key }) => key !== writeCheckKey),
    commonPrefixes,
    isTruncated: answer.IsTruncated ?? false,
    ...present({ nextContinuationToken: ourToken(answer.NextContinuationToken), nextMarker: last }),
  }
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/**
 * Wraps the store's token. Ceph's token is the last key, and Ceph accepts any text. The wrapped token hides the prefix
 * and cannot be guessed.
 */
const ourToken = (token: string | undefined): string | undefined =>
  token === undefined ? undefined : tokenMark + Buffer.from(token).toString('base64url')

const tokenMark = 'p1.'

function storeToken(ours: string): string {
  const encoded = ours.slice(tokenMark.length)
  const token = Buffer.from(encoded, 'base64url').toString()
  if (token !== '' && ourToken(token) === ours) return token
  throw new StorageError('InvalidArgument', { message: 'The continuation token provided is incorrect' })
}
