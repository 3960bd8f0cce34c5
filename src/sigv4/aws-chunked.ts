/**
 * Decodes bodies in aws-chunked encoding and verifies their signatures:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and …/sigv4-streaming-trailers.html
 *
 * The bytes of a chunk are emitted before its signature is verified, so they must not become visible until the stream
 * has ended without an error. Memory is constant: data is passed on as slices, and only chunk headers and trailer
 * lines are collected, up to a limit.
 */
import { createHash, type Hash } from 'node:crypto'
import { Transform, type TransformCallback } from 'node:stream'
import { signatureMismatch } from './check-signature.ts'
import { equalText } from './credential.ts'
import type { StreamingPayload } from './payload.ts'
import { algorithm, hmacHex, sha256Hex } from './string-to-sign.ts'
import { SignatureError, type ChunkSeed } from './types.ts'

export type ChunkedDecoderOptions = {
  payload: StreamingPayload
  /** From the verified request. Its signature is the seed of the chunk signatures. */
  seed: ChunkSeed
  /** From `parseDecodedLength`: the number of decoded bytes. */
  decodedLength: number
  /** From `parseTrailerNames`. */
  trailerNames: readonly string[]
}

const maxHeaderLength = 1024
const maxTrailerLength = 8192
const minChunkSize = 8192
const emptyHash = sha256Hex('')

type State = 'header' | 'data' | 'data-end' | 'trailer' | 'done'

/** Errors with SignatureError: SignatureDoesNotMatch, IncompleteBody, InvalidChunkSizeError, MalformedTrailerError. */
export class AwsChunkedDecoder extends Transform {
  readonly #o: ChunkedDecoderOptions
  readonly #signed: boolean
  readonly #trailing: boolean
  readonly #trailers = new Map<string, string>()
  #state: State = 'header'
  /** The line being collected: a chunk header, the CRLF after data, or a trailer. */
  #line = ''
  #chunkLeft = 0
  #chunkSize = 0
  #chunkSignature = ''
  #chunkHash: Hash | null = null
  #signature: string
  #produced = 0
  #small = false
  #trailerText = ''
  #trailerLength = 0
  #trailerSigned = false

  constructor(o: ChunkedDecoderOptions) {
    super()
    this.#o = o
    this.#signed = o.payload !== 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
    this.#trailing = o.payload !== 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
    this.#signature = o.seed.signature
  }

  /** The trailers by lower-case name, without x-amz-trailer-signature. Complete once the stream has ended. */
  get trailers(): ReadonlyMap<string, string> {
    return this.#trailers
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      let at = 0
      while (at < bytes.length) at = this.#state === 'data' ? this.#takeData(bytes, at) : this.#takeLine(bytes, at)
      done()
    } catch (error) {
      done(error as Error)
    }
  }

  override _flush(done: TransformCallback): void {
    done(this.#state === 'done' ? null : incomplete('The body ends before its last chunk.'))
  }

  #takeData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#chunkLeft)
    const data = at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end)
    this.#chunkHash?.update(data)
    this.#chunkLeft -= data.length
    this.#produced += data.length
    this.push(data)
    if (this.#chunkLeft === 0) {
      this.#checkChunkSignature()
      this.#state = 'data-end'
    }
    return end
  }

  /** Collects up to the next LF. A complete line advances the state. */
  #takeLine(bytes: Buffer, at: number): number {
    if (this.#state === 'done') throw incomplete('Bytes follow the end of the body.')
    const newline = bytes.indexOf(0x0a, at)
    const end = newline === -1 ? bytes.length : newline + 1
    const room = this.#state === 'data-end' ? 2 : this.#state === 'trailer' ? maxTrailerLength : maxHeaderLength
    if (this.#line.length + end - at > room) throw incomplete('A line between the chunks is too long.')
    this.#line += bytes.toString('latin1', at, end)
    if (newline !== -1) {
      const line = this.#line
      this.#line = ''
      this.#endLine(line)
    }
    return end
  }

  #endLine(line: string): void {
    if (this.#state === 'trailer') return this.#endTrailer(line)
    if (!line.endsWith('\r\n')) throw incomplete('A line between the chunks does not end with CRLF.')
    if (this.#state === 'header') return this.#beginChunk(line.slice(0, -2))
    if (line !== '\r\n') throw incomplete('A chunk is longer than its header says.')
    this.#state = 'header'
  }

  #beginChunk(header: string): void {
    const match = /^([0-9a-fA-F]{1,13})(?:;chunk-signature=([^;]*))?$/.exec(header)
    if (!match || (match[2] !== undefined && !this.#signed)) throw incomplete('A chunk header is malformed.')
    const size = Number.parseInt(match[1]!, 16)
    if (size > 0 && this.#small) {
      throw new SignatureError(
        'InvalidChunkSizeError',
        `Only the last chunk is allowed to have a size less than ${minChunkSize} bytes`,
        { BadChunkSizeInBytes: String(this.#chunkSize) },
      )
    }
    if (this.#produced + size > this.#o.decodedLength) throw wrongLength()
    this.#chunkSize = size
    this.#chunkLeft = size
    this.#small = size < minChunkSize
    this.#chunkSignature = match[2] ?? ''
    this.#chunkHash = this.#signed ? createHash('sha256') : null
    if (size > 0) {
      this.#state = 'data'
      return
    }
    this.#checkChunkSignature()
    if (this.#produced !== this.#o.decodedLength) throw wrongLength()
    this.#state = 'trailer'
  }

  #checkChunkSignature(): void {
    if (!this.#chunkHash) return
    const parts = [emptyHash, this.#chunkHash.digest('hex')]
    this.#signature = this.#checkNext('PAYLOAD', parts, this.#chunkSignature)
    this.#chunkHash = null
  }

  /** Each signature covers the previous one. */
  #checkNext(kind: 'PAYLOAD' | 'TRAILER', parts: string[], provided: string): string {
    const { amzDate, scope, signingKey } = this.#o.seed
    const text = [`${algorithm}-${kind}`, amzDate, scope, this.#signature, ...parts].join('\n')
    const expected = hmacHex(signingKey, text)
    if (equalText(expected, provided)) return expected
    throw signatureMismatch({ StringToSign: text, SignatureProvided: provided })
  }

  /** A trailer may end with LF alone, as MinIO's clients write it. The empty line that ends the body may not. */
  #endTrailer(line: string): void {
    this.#trailerLength += line.length
    if (this.#trailerLength > maxTrailerLength) throw malformedTrailer()
    if (line === '\n') throw incomplete('The body does not end with CRLF.')
    if (line !== '\r\n') return this.#addTrailer(line.replace(/\r?\n$/, ''))
    // Some clients end the trailers with an extra empty line and send their signature after it.
    if (this.#signed && this.#trailing && this.#trailerText !== '' && !this.#trailerSigned) return
    this.#checkTrailers()
    this.#state = 'done'
  }

  #addTrailer(line: string): void {
    const at = line.indexOf(':')
    const name = line.slice(0, at).trim().toLowerCase()
    const value = line.slice(at + 1).trim()
    if (at < 1 || !this.#trailing || this.#trailerSigned) throw malformedTrailer()
    if (name === 'x-amz-trailer-signature') {
      if (!this.#signed) throw malformedTrailer()
      this.#checkNext('TRAILER', [sha256Hex(this.#trailerText)], value)
      this.#trailerSigned = true
      return
    }
    if (!this.#o.trailerNames.includes(name) || this.#trailers.has(name)) throw malformedTrailer()
    this.#trailers.set(name, value)
    this.#trailerText += `${name}:${value}\n`
  }

  #checkTrailers(): void {
    if (this.#o.trailerNames.some((name) => !this.#trailers.has(name))) throw malformedTrailer()
    if (this.#signed && this.#trailing && !this.#trailerSigned) {
      throw signatureMismatch({ SignatureProvided: '' })
    }
  }
}

const incomplete = (message: string): SignatureError => new SignatureError('IncompleteBody', message)

const wrongLength = (): SignatureError =>
  incomplete('The body does not have the number of bytes in x-amz-decoded-content-length.')

const malformedTrailer = (): SignatureError =>
  new SignatureError(
    'MalformedTrailerError',
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
  )

/** The value of x-amz-decoded-content-length. Throws MissingContentLength. */
export function parseDecodedLength(value: string | undefined): number {
  if (value !== undefined && /^\d{1,15}$/.test(value)) return Number(value)
  throw new SignatureError('MissingContentLength', 'You must provide the x-amz-decoded-content-length HTTP header.')
}

const checksumTrailer = /^x-amz-checksum-(sha1|sha256|sha512|md5|crc32|crc32c|crc64nvme)$/

/** The names in x-amz-trailer, in lower case. At most one, a checksum. Throws InvalidRequest. */
export function parseTrailerNames(value: string | undefined): string[] {
  const names = (value ?? '').split(',').map((name) => name.trim().toLowerCase())
  if (names.length === 1 && names[0] === '') return []
  if (!names.every((name) => checksumTrailer.test(name))) {
    throw new SignatureError('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported')
  }
  if (names.length > 1) {
    throw new SignatureError(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    )
  }
  return names
}
