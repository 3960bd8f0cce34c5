/**
 * Measures and hashes a body while it is sent, so that the declared length and digests are verified on every store,
 * also on those that ignore checksum headers. The last bytes are sent only after verification. S3 never stores an
 * upload that is shorter than its length.
 */
import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import type { BodyExpectation, Checksum } from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { checksumFromBase64, startChecksum, type RunningChecksum } from '../checksums/checksum.ts'
import { receiveBody } from '../receive-body.ts'
import { StallTimeout, watchStall } from './timeouts.ts'

/** Bodies up to this many bytes are buffered. They are verified before they are sent, and can be retried. */
export const collectedUpTo = 1024 * 1024

export type Expected = BodyExpectation & { maxBytes: number; signal?: AbortSignal }

/** Verifies those of length and digests that were declared. Errors: those of BodyExpectation. */
export class ExpectedBody {
  readonly #o: Expected
  readonly #md5: Hash | undefined
  readonly #sha256: Hash | undefined
  readonly #checksum: RunningChecksum | undefined
  #length = 0

  constructor(o: Expected) {
    this.#o = o
    if (o.md5 !== undefined) this.#md5 = createHash('md5')
    if (o.payloadSha256 !== undefined) this.#sha256 = createHash('sha256')
    if (o.checksum) this.#checksum = startChecksum(o.checksum.algorithm)
  }

  take(chunk: Buffer): void {
    const { maxBytes, contentLength } = this.#o
    this.#length += chunk.length
    if (this.#length > maxBytes) throw tooLarge(this.#length, maxBytes)
    if (contentLength !== undefined && this.#length > contentLength) throw wrongLength('more')
    this.#md5?.update(chunk)
    this.#sha256?.update(chunk)
    this.#checksum?.update(chunk)
  }

  /** Must be called after the last byte. Returns the checksum of the whole body if one was requested. */
  finish(): Checksum | undefined {
    const { contentLength, payloadSha256, md5, checksum } = this.#o
    if (contentLength !== undefined && this.#length < contentLength) throw wrongLength('fewer')
    if (this.#sha256 && this.#sha256.digest('hex') !== payloadSha256) {
      throw new StorageError('PayloadHashMismatch', {
        message: 'The SHA-256 of the body differs from x-amz-content-sha256.',
      })
    }
    if (this.#md5 && this.#md5.digest('base64') !== md5) {
      throw new StorageError('BadDigest', { message: 'The MD5 of the body differs from Content-MD5.' })
    }
    if (!checksum || !this.#checksum) return undefined
    const { algorithm } = checksum
    const computed = this.#checksum.digest()
    const announced = typeof checksum.value === 'function' ? checksum.value() : checksum.value
    if (announced !== undefined && !checksumFromBase64(algorithm, announced).equals(computed)) {
      throw new StorageError('BadDigest', { message: `The ${algorithm} of the body differs from the declared one.` })
    }
    return { algorithm, value: computed.toString('base64'), type: 'FULL_OBJECT' }
  }
}

/** Rejects impossible values before any byte of the body is read. */
export function assertExpectation({ contentLength, maxBytes, md5, checksum }: Expected): void {
  if (contentLength !== undefined && !(Number.isSafeInteger(contentLength) && contentLength >= 0)) {
    throw new StorageError('InvalidArgument', { message: 'The content length is not a number of bytes.' })
  }
  if (contentLength !== undefined && contentLength > maxBytes) throw tooLarge(contentLength, maxBytes)
  if (md5 !== undefined && !/^[A-Za-z0-9+/]{22}==$/.test(md5)) {
    throw new StorageError('InvalidDigest', { message: 'Content-MD5 is not the base64 of 16 bytes.' })
  }
  if (typeof checksum?.value === 'string') checksumFromBase64(checksum.algorithm, checksum.value)
}

const tooLarge = (proposed: number, max: number): StorageError =>
  new StorageError('EntityTooLarge', {
    message: 'Your proposed upload exceeds the maximum allowed size',
    details: { ProposedSize: proposed, MaxSizeAllowed: max },
  })

const wrongLength = (how: 'more' | 'fewer'): StorageError =>
  new StorageError('IncompleteBody', { message: `The body has ${how} bytes than its content length.` })

/** Buffers a small body as a whole. */
export async function collect(body: Readable, o: Expected): Promise<{ bytes: Buffer; checksum: Checksum | undefined }> {
  const expected = new ExpectedBody(o)
  const chunks: Buffer[] = []
  await receiveBody(body, [o.signal], (chunk) => {
    expected.take(chunk)
    chunks.push(chunk)
    return undefined
  })
  return { bytes: Buffer.concat(chunks), checksum: expected.finish() }
}

/** Cuts a body of unknown length into pieces of `size` bytes. Each piece is stored before the next is read. */
export async function inPieces(
  body: Readable,
  o: Expected,
  size: number,
  store: (piece: Buffer, isLast: boolean, checksum: Checksum | undefined) => Promise<void>,
): Promise<void> {
  const expected = new ExpectedBody(o)
  let chunks: Buffer[] = []
  let held = 0
  await receiveBody(body, [o.signal], (chunk) => {
    expected.take(chunk)
    chunks.push(chunk)
    held += chunk.length
    return held > size ? storeFull() : undefined
  })
  await store(Buffer.concat(chunks), true, expected.finish())

  /** Always keeps some bytes, so that the last piece can be marked as the last. */
  async function storeFull(): Promise<void> {
    const bytes = Buffer.concat(chunks)
    let at = 0
    for (; bytes.length - at > size; at += size) await store(bytes.subarray(at, at + size), false, undefined)
    chunks = [Buffer.from(bytes.subarray(at))]
    held = bytes.length - at
  }
}

/**
 * Sends a body of known length through `send` in constant memory. The first failure stops the other side and is the
 * error: a broken body aborts the request, and an error of the store stops reading the body. `stall`: milliseconds in
 * which the store accepts no bytes, or does not respond after the last byte.
 */
export async function streamThrough<T>(
  body: Readable,
  o: Expected & { stall: number },
  send: (stream: Readable, abort: AbortSignal) => Promise<T>,
): Promise<{ answer: T; checksum: Checksum | undefined }> {
  const expected = new ExpectedBody(o)
  const stream = new PassThrough({ highWaterMark: 512 * 1024 })
  stream.on('error', () => {})
  const stop = new AbortController()
  const failed = (cause: unknown): never => {
    stop.abort(cause)
    throw cause
  }

  let isFull = false
  let hasEnded = false
  const isWaiting = (): boolean => isFull || hasEnded
  const moved = (): number => stream.writableLength + stream.readableLength
  const watch = watchStall(o.stall, { isWaiting, moved }, (silence) => stop.abort(silence))
  const sending = send(stream, stop.signal).catch(failed)
  let last: Buffer | undefined
  const reading = receiveBody(body, [o.signal, stop.signal], (chunk) => {
    expected.take(chunk)
    const before = last
    last = chunk
    if (before === undefined || stream.write(before)) return undefined
    isFull = true
    return once(stream, 'drain', { signal: stop.signal }).then(() => {
      isFull = false
    })
  })
  const received = reading
    .then(() => {
      const checksum = expected.finish()
      stream.end(last)
      hasEnded = true
      return checksum
    })
    .catch(failed)

  await Promise.allSettled([sending, received])
  watch.stop()
  stream.destroy()
  if (stop.signal.aborted) {
    // The aborted call rejects with the translated error.
    if (stop.signal.reason instanceof StallTimeout) await sending
    throw stop.signal.reason
  }
  return { answer: await sending, checksum: await received }
}
