import { Transform, type TransformCallback } from 'node:stream'
import { S3Error } from './s3-error.ts'

/** Limit of bytes before and after the file of a form. */
export const maxFieldBytes = 128 * 1024
const carriageReturn = 0x0d
const nothing = Buffer.alloc(0)

export const malformed = (message: string): S3Error =>
  new S3Error(
    'MalformedPOSTRequest',
    `The body of your POST request is not well-formed multipart/form-data: ${message}`,
  )

/**
 * Passes on the file up to the first delimiter. Ends when the form has ended, because only then the file is known to
 * be complete.
 */
export class FilePart extends Transform {
  readonly #delimiter: Buffer
  readonly #checkSize: (size: number) => void
  /** Trailing bytes that may be the start of a delimiter. */
  #held: Buffer = nothing
  #size = 0
  #fileEnded = false
  #formEnded = false
  #trailing = 0

  constructor(delimiter: Buffer, checkSize: (size: number) => void) {
    super()
    this.#delimiter = delimiter
    this.#checkSize = checkSize
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
      this.#held = nothing
      if (this.#fileEnded) this.#takeTrailing(bytes)
      else this.#takeFile(bytes)
      done()
    } catch (error) {
      done(error as Error)
    }
  }

  override _flush(done: TransformCallback): void {
    done(
      this.#formEnded
        ? null
        : malformed(this.#fileEnded ? 'the last delimiter is missing.' : 'the body ends within the file.'),
    )
  }

  #takeFile(bytes: Buffer): void {
    const found = bytes.indexOf(this.#delimiter)
    const sure = found === -1 ? this.#undecidedFrom(bytes) : found
    this.#size += sure
    if (sure > 0) this.push(bytes.subarray(0, sure))
    const rest = bytes.subarray(sure)
    if (found === -1) {
      this.#held = rest
      return
    }
    this.#fileEnded = true
    this.#checkSize(this.#size)
    this.#takeTrailing(rest)
  }

  /** Data after the file is ignored, but the form must end properly. */
  #takeTrailing(bytes: Buffer): void {
    if (this.#formEnded) return
    this.#trailing += bytes.length
    if (this.#trailing > maxFieldBytes) throw malformed('too much data follows the file.')
    const { length } = this.#delimiter
    for (let at = bytes.indexOf(this.#delimiter); at !== -1; at = bytes.indexOf(this.#delimiter, at + length)) {
      const after = bytes.toString('latin1', at + length, at + length + 2)
      this.#formEnded = after === '--'
      if (this.#formEnded) return
      if (after.length < 2) {
        this.#held = bytes.subarray(at)
        return
      }
      if (after !== '\r\n') throw malformed('a delimiter is not followed by a line break.')
    }
    this.#held = bytes.subarray(this.#undecidedFrom(bytes))
  }

  /** The offset where an incomplete delimiter may start, or the end of the bytes. */
  #undecidedFrom(bytes: Buffer): number {
    let at = bytes.indexOf(carriageReturn, Math.max(0, bytes.length - this.#delimiter.length + 1))
    while (at !== -1 && !this.#delimiter.subarray(0, bytes.length - at).equals(bytes.subarray(at))) {
      at = bytes.indexOf(carriageReturn, at + 1)
    }
    return at === -1 ? bytes.length : at
  }
}
