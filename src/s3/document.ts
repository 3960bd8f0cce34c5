import { hash } from 'node:crypto'
import { StorageError } from '../errors.ts'
import { digestOf } from '../drivers/checksums/checksum.ts'
import type { S3Context } from './context.ts'
import { contentMd5 } from './object-body.ts'
import { readChecksum } from './object-headers.ts'
import { S3Error } from './s3-error.ts'

const mebibyte = 1024 * 1024

/**
 * Reads and verifies an XML body against every checksum in the headers. With `digestRequired`, Content-MD5 or
 * x-amz-checksum-* is required, as on S3.
 */
export async function readDocument(
  ctx: S3Context,
  o: { maxBytes?: number; digestRequired?: boolean } = {},
): Promise<Buffer> {
  const maxBytes = o.maxBytes ?? mebibyte
  const { md5 } = contentMd5(ctx)
  const checksum = readChecksum(ctx.headers)
  if (o.digestRequired === true && md5 === undefined && checksum === undefined) {
    throw new StorageError('InvalidRequest', {
      message: 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    })
  }
  if (Number(ctx.headers.get('content-length') ?? 0) > maxBytes) throw tooLong(maxBytes)
  const body = await collect(ctx, maxBytes)
  if (md5 !== undefined && hash('md5', body, 'base64') !== md5) {
    throw new StorageError('BadDigest', { message: 'The Content-MD5 you specified did not match what we received.' })
  }
  if (checksum !== undefined && digestOf(checksum.algorithm, body).toString('base64') !== checksum.value) {
    throw new StorageError('BadDigest', {
      message: `The ${checksum.algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    })
  }
  const payload = ctx.verified?.payload ?? 'UNSIGNED-PAYLOAD'
  if (payload !== 'UNSIGNED-PAYLOAD' && hash('sha256', body, 'hex') !== payload) {
    throw new StorageError('PayloadHashMismatch')
  }
  return body
}

/** Uses events, because leaving an async iterator early would destroy the request and its response. */
function collect({ req }: S3Context, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const stop = (error: unknown): void => {
      req.off('data', take)
      req.pause()
      reject(error)
    }
    const take = (chunk: Buffer): void => {
      size += chunk.length
      chunks.push(chunk)
      if (size > maxBytes) stop(tooLong(maxBytes))
    }
    req.on('data', take)
    req.once('end', () => resolve(Buffer.concat(chunks)))
    req.once('error', (cause) => stop(new StorageError('IncompleteBody', { cause })))
  })
}

const tooLong = (maxBytes: number): S3Error =>
  new S3Error('MaxMessageLengthExceeded', 'Your request was too big.', { MaxMessageLengthBytes: maxBytes })
