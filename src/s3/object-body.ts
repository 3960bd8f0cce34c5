import { StorageError } from '../errors.ts'
import type { ChecksumAlgorithm } from '../drivers/driver.ts'
import type { OperationDeps, S3Context } from './context.ts'
import { readChecksum } from './object-headers.ts'
import { streamingBody, type ObjectBody } from './streaming-body.ts'

const md5 = /^[A-Za-z0-9+/]{22}==$/
const sha256Hex = /^[0-9a-f]{64}$/

/** Maximum bytes of an object in this bucket. */
export const maxObjectBytes = (
  bucket: string,
  deps: Pick<OperationDeps, 'store' | 'gatewayBucket' | 'maxGatewayPut'>,
): number => Math.min(deps.store.limits.maxPutSize, bucket === deps.gatewayBucket ? deps.maxGatewayPut : Infinity)

/** The body of a PUT. Rejects everything that the headers make invalid before reading any byte. */
export function objectBody(ctx: S3Context, maxBytes: number): ObjectBody {
  const payload = ctx.verified?.payload ?? 'UNSIGNED-PAYLOAD'
  const streaming = payload.startsWith('STREAMING-')
  const contentLength = announcedLength(ctx, streaming)
  if (contentLength > maxBytes) {
    throw new StorageError('EntityTooLarge', {
      message: 'Your proposed upload exceeds the maximum allowed size',
      details: { ProposedSize: contentLength, MaxSizeAllowed: maxBytes },
    })
  }
  const expect: ObjectBody['expect'] = { contentLength, maxBytes, ...contentMd5(ctx), ...announcedChecksum(ctx) }
  if (streaming) return streamingBody(ctx, payload, expect)
  if (ctx.headers.has('x-amz-trailer')) {
    throw new StorageError('InvalidRequest', { message: 'x-amz-trailer needs a streaming payload with a trailer.' })
  }
  if (payload !== 'UNSIGNED-PAYLOAD') {
    if (!sha256Hex.test(payload))
      throw new StorageError('AccessDenied', { message: 'The x-amz-content-sha256 value is not supported.' })
    expect.payloadSha256 = payload
  }
  return { stream: ctx.req, expect }
}

const digits = /^\d{1,15}$/

function announcedLength(ctx: S3Context, streaming: boolean): number {
  const text = ctx.headers.get(streaming ? 'x-amz-decoded-content-length' : 'content-length')
  if (text === undefined || !digits.test(text)) {
    throw new StorageError('MissingContentLength', { message: 'You must provide the Content-Length HTTP header.' })
  }
  return Number(text)
}

export function contentMd5(ctx: Pick<S3Context, 'headers'>): { md5?: string } {
  const value = ctx.headers.get('content-md5')
  if (value === undefined) return {}
  if (!md5.test(value))
    throw new StorageError('InvalidDigest', { message: 'The Content-MD5 you specified was invalid.' })
  return { md5: value }
}

function announcedChecksum(ctx: S3Context): { checksum?: { algorithm: ChecksumAlgorithm; value: string } } {
  const checksum = readChecksum(ctx.headers)
  const declared = ctx.headers.get('x-amz-sdk-checksum-algorithm')
  if (checksum === undefined) {
    if (declared !== undefined && !ctx.headers.has('x-amz-trailer')) {
      throw new StorageError('InvalidRequest', {
        message:
          'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
      })
    }
    return {}
  }
  if (declared !== undefined && declared.toLowerCase() !== checksum.algorithm) {
    throw new StorageError('InvalidRequest', { message: 'Value for x-amz-sdk-checksum-algorithm header is invalid.' })
  }
  if (checksum.value.includes('-')) {
    throw new StorageError('InvalidRequest', {
      message: `Value for x-amz-checksum-${checksum.algorithm} header is invalid.`,
    })
  }
  return { checksum: { algorithm: checksum.algorithm, value: checksum.value } }
}
