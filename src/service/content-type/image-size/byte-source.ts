/** Any bytes of an object, by few range reads, and never more work than a header is worth. */

/** Reports the sizes that an image at `base` declares. Errors: EndOfBytes, TooFar. */
export type Measure = (
  source: ByteSource,
  base: number,
  found: (width: number, height: number) => void,
) => Promise<void>

/** Resolves to fewer bytes than asked only at the end of the object. */
export type ReadRange = (start: number, length: number) => Promise<Buffer>

/** The object ends before the header does: no decoder finds an image in it either. */
export class EndOfBytes extends Error {}
/** The header lies behind more metadata than is read. */
export class TooFar extends Error {}

/** For a part that may be missing while others are there. */
export async function ifThere(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof EndOfBytes)) throw error
  }
}

const smallestWindow = 16 * 1024
const largestWindow = 1024 * 1024
/** Of a JPEG, whose metadata is made of them. */
const longestSegment = 65_537
/** Limits of one image: requests to the store, bytes from it, and reads from what was fetched. */
const mostRequests = 48
export const mostBytes = 8 * 1024 * 1024
const mostReads = 20_000

export class ByteSource {
  #window: { start: number; bytes: Buffer }
  #size = smallestWindow
  #requests = 0
  #bytes = 0
  #reads = 0
  readonly #length: number
  readonly #readRange: ReadRange

  /** `head`: bytes from the start that were read before. */
  constructor(head: Buffer, length: number, readRange: ReadRange) {
    this.#window = { start: 0, bytes: head }
    this.#length = length
    this.#readRange = readRange
  }

  /** Errors: EndOfBytes, TooFar. */
  async read(start: number, length: number): Promise<Buffer> {
    if (++this.#reads > mostReads) throw new TooFar()
    if (start + length > this.#length) throw new EndOfBytes()
    if (!this.#holds(start, length)) await this.#fetch(start, length)
    if (!this.#holds(start, length)) throw new EndOfBytes()
    const from = start - this.#window.start
    return this.#window.bytes.subarray(from, from + length)
  }

  /** As `read`, but with what there is of it at the end. */
  readUpTo(start: number, length: number): Promise<Buffer> {
    return this.read(start, Math.max(0, Math.min(length, this.#length - start)))
  }

  #holds(start: number, length: number): boolean {
    const { start: first, bytes } = this.#window
    return start >= first && start + length <= first + bytes.length
  }

  /** Windows grow while a parser goes on through metadata, and not while it jumps to another place. */
  async #fetch(start: number, length: number): Promise<void> {
    const passed = start - this.#window.start - this.#window.bytes.length
    const goesOn = start > this.#window.start && passed < longestSegment
    this.#size = goesOn ? Math.min(largestWindow, this.#size * 2) : smallestWindow
    const wanted = Math.min(Math.max(length, this.#size), this.#length - start)
    this.#bytes += wanted
    if (++this.#requests > mostRequests || this.#bytes > mostBytes) throw new TooFar()
    this.#window = { start, bytes: await this.#readRange(start, wanted) }
  }
}
