/**
 * Presigning in cases that `sigv4/presign` does not cover: access points, whose host comes from their ARN, and S3
 * Express directory buckets, whose URLs are signed with session credentials that the SDK opens and renews.
 */
import type { S3 } from '@aws-sdk/client-s3'
import type { SignedRequest } from '../driver.ts'
import type { Sdk } from './connection.ts'
import type { RequestToSign } from '../presign-requests.ts'
import type { S3Deps } from './s3-deps.ts'

type Signed = Pick<SignedRequest, 'url' | 'headers' | 'expiresAt'>

export async function presignBySdk(
  { settings, connection }: S3Deps,
  key: string,
  request: RequestToSign,
  { expiresIn, signedAt }: { expiresIn: number; signedAt: Date },
): Promise<Signed> {
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
  const failed = { operation: 'presign', ref: { bucket: settings.bucket, key } }
  const names = Object.keys(request.headers)
  const url = await connection.run(
    failed,
    (s3: S3, sdk) =>
      getSignedUrl(s3, commandFor(sdk, settings.bucket, key, request) as Parameters<typeof getSignedUrl>[1], {
        expiresIn,
        signingDate: signedAt,
        // Without these options, the SDK does not sign content-type and moves x-amz-* to the query, where stores ignore
        // them.
        signableHeaders: new Set([...names, 'host']),
        unhoistableHeaders: new Set(names),
      }),
    { isLocal: true },
  )
  const { 'content-length': _sentByEveryClient, ...headers } = request.headers
  return { url, headers, expiresAt: new Date((Math.floor(signedAt.getTime() / 1000) + expiresIn) * 1000) }
}

/** SDK fields for the headers and parameters of `presign-requests.ts`. */
const fields: Readonly<Record<string, string>> = {
  'content-type': 'ContentType',
  'content-length': 'ContentLength',
  'if-none-match': 'IfNoneMatch',
  'x-amz-checksum-sha1': 'ChecksumSHA1',
  'x-amz-checksum-sha256': 'ChecksumSHA256',
  'x-amz-checksum-sha512': 'ChecksumSHA512',
  'x-amz-checksum-md5': 'ChecksumMD5',
  'x-amz-checksum-crc32': 'ChecksumCRC32',
  'x-amz-checksum-crc32c': 'ChecksumCRC32C',
  'x-amz-checksum-crc64nvme': 'ChecksumCRC64NVME',
  partNumber: 'PartNumber',
  uploadId: 'UploadId',
  versionId: 'VersionId',
  'response-content-type': 'ResponseContentType',
  'response-content-disposition': 'ResponseContentDisposition',
  'response-cache-control': 'ResponseCacheControl',
  'response-content-encoding': 'ResponseContentEncoding',
  'response-content-language': 'ResponseContentLanguage',
  'response-expires': 'ResponseExpires',
}
const numeric = new Set(['ContentLength', 'PartNumber'])

function commandFor(sdk: Sdk, bucket: string, key: string, { method, headers, query }: RequestToSign) {
  const named = Object.entries({ ...headers, ...query }).map(([name, value]) => {
    const field = fields[name]!
    return [field, numeric.has(field) ? Number(value) : field === 'ResponseExpires' ? new Date(value) : value]
  })
  const input = { Bucket: bucket, Key: key, ...Object.fromEntries(named) }
  if (method === 'GET') return new sdk.GetObjectCommand(input)
  if (method === 'HEAD') return new sdk.HeadObjectCommand(input)
  return query['uploadId'] === undefined ? new sdk.PutObjectCommand(input) : new sdk.UploadPartCommand(input)
}
