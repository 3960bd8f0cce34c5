/**
 * A buffer that is filled in chunks and consumed from the front. Its memory doubles when full, so that each byte is
 * copied only a few times, however small the chunks are.
 */
export class GrowingBuffer {
  #memory: Buffer
  #start = 0
  #end = 0

  constructor(initial: Buffer) {
    this.#memory = Buffer.from(initial)
    this.#end = initial.length
  }

  /** Valid until the next `append`. */
  get bytes(): Buffer {
    return this.#memory.subarray(this.#start, this.#end)
  }

  append(chunk: Buffer): void {
    const needed = this.#end + chunk.length
    if (needed > this.#memory.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#memory.length))
      this.#memory.copy(larger, 0, 0, this.#end)
      this.#memory = larger
    }
    chunk.copy(this.#memory, this.#end)
    this.#end = needed
  }

  consume(length: number): void {
    this.#start += length
  }
}
