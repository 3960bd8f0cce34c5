/** Reads any bytes of an object with few range reads and a bounded amount of work. */

/** Reports the sizes that an image at `base` declares. Errors: EndOfBytes, TooFar. */
export type Measure = (
  source: ByteSource,
  base: number,
  found: (width: number, height: number) => void,
) => Promise<void>

/** Resolves to fewer bytes than requested only at the end of the object. */
export type ReadRange = (start: number, length: number) => Promise<Buffer>

/** The object ends before its header does, so no decoder can read an image from it. */
export class EndOfBytes extends Error {}
/** The header comes after more metadata than is read. */
export class TooFar extends Error {}

/** Ignores EndOfBytes, for a part that may be missing. */
export async function ifThere(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof EndOfBytes)) throw error
  }
}

const smallestWindow = 16 * 1024
const largestWindow = 1024 * 1024
/** Maximum bytes of a JPEG segment. The metadata of a JPEG consists of segments. */
const longestSegment = 65_537
/** Limits per image: requests to the store, bytes read from the store, and reads of fetched bytes. */
const maxRequests = 48
export const maxBytes = 8 * 1024 * 1024
const maxReads = 20_000

export class ByteSource {
  #window: { start: number; bytes: Buffer }
  #size = smallestWindow
  #requests = 0
  #bytes = 0
  #reads = 0
  readonly #length: number
  readonly #readRange: ReadRange

  /** `head`: bytes from the start that are already read. */
  constructor(head: Buffer, length: number, readRange: ReadRange) {
    this.#window = { start: 0, bytes: head }
    this.#length = length
    this.#readRange = readRange
  }

  /** Errors: EndOfBytes, TooFar. */
  async read(start: number, length: number): Promise<Buffer> {
    if (++this.#reads > maxReads) throw new TooFar()
    if (start + length > this.#length) throw new EndOfBytes()
    if (!this.#holds(start, length)) await this.#fetch(start, length)
    if (!this.#holds(start, length)) throw new EndOfBytes()
    const from = start - this.#window.start
    return this.#window.bytes.subarray(from, from + length)
  }

  /** Like `read`, but returns fewer bytes at the end of the object. */
  readUpTo(start: number, length: number): Promise<Buffer> {
    return this.read(start, Math.max(0, Math.min(length, this.#length - start)))
  }

  #holds(start: number, length: number): boolean {
    const { start: first, bytes } = this.#window
    return start >= first && start + length <= first + bytes.length
  }

  /** The window grows while a parser reads through metadata, and not when it jumps to another offset. */
  async #fetch(start: number, length: number): Promise<void> {
    const passed = start - this.#window.start - this.#window.bytes.length
    const isSequential = start > this.#window.start && passed < longestSegment
    this.#size = isSequential ? Math.min(largestWindow, this.#size * 2) : smallestWindow
    const wanted = Math.min(Math.max(length, this.#size), this.#length - start)
    this.#bytes += wanted
    if (++this.#requests > maxRequests || this.#bytes > maxBytes) throw new TooFar()
    this.#window = { start, bytes: await this.#readRange(start, wanted) }
  }
}
