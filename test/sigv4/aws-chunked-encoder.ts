/** Encodes bodies in aws-chunked encoding like clients, and runs a decoder on any split of the bytes. */
import { createHash, createHmac } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { AwsChunkedDecoder } from '../../src/sigv4/aws-chunked.ts'
import type { StreamingPayload } from '../../src/sigv4/payload.ts'
import type { ChunkSeed } from '../../src/sigv4/types.ts'

export type EncodeOptions = {
  payload: StreamingPayload
  seed: ChunkSeed
  chunkSize: number
  trailers?: readonly (readonly [name: string, value: string])[]
}

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex')

export function encodeAwsChunked(data: Buffer, { payload, seed, chunkSize, trailers = [] }: EncodeOptions): Buffer {
  const signed = payload !== 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
  let previous = seed.signature
  const sign = (kind: string, ...parts: string[]): string => {
    const text = [`AWS4-HMAC-SHA256-${kind}`, seed.amzDate, seed.scope, previous, ...parts].join('\n')
    return (previous = createHmac('sha256', seed.signingKey).update(text).digest('hex'))
  }
  const head = (chunk: Buffer): string => {
    const size = chunk.length.toString(16)
    return signed ? `${size};chunk-signature=${sign('PAYLOAD', sha256(''), sha256(chunk))}\r\n` : `${size}\r\n`
  }
  const out: Buffer[] = []
  for (let at = 0; at < data.length; at += chunkSize) {
    const chunk = data.subarray(at, at + chunkSize)
    out.push(Buffer.from(head(chunk)), chunk, Buffer.from('\r\n'))
  }
  out.push(Buffer.from(head(Buffer.alloc(0))))
  for (const [name, value] of trailers) out.push(Buffer.from(`${name}:${value}\r\n`))
  if (payload.endsWith('-TRAILER') && signed) {
    const text = trailers.map(([name, value]) => `${name}:${value}\n`).join('')
    out.push(Buffer.from(`x-amz-trailer-signature:${sign('TRAILER', sha256(text))}\r\n`))
  }
  out.push(Buffer.from('\r\n'))
  return Buffer.concat(out)
}

/** Everything that comes out of `decoder` when these pieces go in; rejects with its error. */
export async function decode(decoder: AwsChunkedDecoder, pieces: Iterable<Buffer>): Promise<Buffer> {
  return buffer(Readable.from(pieces).compose(decoder))
}
