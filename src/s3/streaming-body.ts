import type { Readable } from 'node:stream'
import { StorageError } from '../errors.ts'
import { isChecksumAlgorithm } from './object-headers.ts'
import { AwsChunkedDecoder, parseTrailerNames } from '../sigv4/aws-chunked.ts'
import { isStreamingPayload } from '../sigv4/payload.ts'
import type { S3Context } from './context.ts'
import type { BodyExpectation } from '../drivers/driver.ts'

export type ObjectBody = {
  /** The object's bytes, without transfer framing. */
  stream: Readable
  /** Everything that headers and signature declare. The store must verify it before the object becomes visible. */
  expect: BodyExpectation & { contentLength: number; maxBytes: number }
}

/** A body in aws-chunked encoding. `expect.contentLength` is the decoded length. */
export function streamingBody(ctx: S3Context, payload: string, expect: ObjectBody['expect']): ObjectBody {
  const { verified, req } = ctx
  const seed = verified?.seed ?? null
  if (seed === null || !isStreamingPayload(payload) || expect.contentLength === undefined) {
    throw new StorageError('AccessDenied', { message: 'The x-amz-content-sha256 value is not supported.' })
  }
  const trailing = payload.endsWith('-TRAILER')
  if (!trailing && ctx.headers.has('x-amz-trailer')) {
    throw new StorageError('InvalidRequest', { message: 'x-amz-trailer needs a streaming payload with a trailer.' })
  }
  const trailerNames = parseTrailerNames(ctx.headers.get('x-amz-trailer'))
  const [trailer] = trailerNames
  if (trailer !== undefined && expect.checksum !== undefined) {
    throw new StorageError('InvalidRequest', {
      message: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    })
  }
  const decoder = new AwsChunkedDecoder({
    payload,
    seed,
    decodedLength: expect.contentLength,
    trailerNames,
  })
  connect(req, decoder)
  if (trailer === undefined) return { stream: decoder, expect }
  const algorithm = trailer.replace('x-amz-checksum-', '')
  if (!isChecksumAlgorithm(algorithm))
    throw new StorageError('NotSupported', { message: `The trailer ${trailer} is not supported.` })
  return {
    stream: decoder,
    expect: { ...expect, checksum: { algorithm, value: () => decoder.trailers.get(trailer) ?? '' } },
  }
}

/** Replaces `pipeline`, because rejecting a body must not close the connection before the response is sent. */
export function connect(
  req: S3Context['req'],
  body: NodeJS.ReadWriteStream & { destroy(error?: Error): unknown; destroyed: boolean },
): void {
  const broken = (cause?: unknown): void => {
    if (!body.destroyed) body.destroy(new StorageError('IncompleteBody', { cause }))
  }
  req.once('error', broken)
  req.once('aborted', broken)
  body.once('close', () => {
    req.off('error', broken).off('aborted', broken)
    // Later errors of the connection do not matter.
    req.on('error', () => {})
    req.unpipe(body)
    req.pause()
  })
  req.pipe(body)
}
