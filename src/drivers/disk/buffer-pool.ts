/** Reuses buffers of finished downloads, because memory outside of the heap is expensive to allocate and collect. */

const sizes = [64 * 1024, 256 * 1024] as const
/** Bytes below which an exact buffer costs less than a mostly empty one. */
const smallest = 16 * 1024
/** Number of idle buffers kept per size. */
const maxIdle = 16

export class BufferPool {
  readonly #idle = new Map<number, Buffer[]>(sizes.map((size) => [size, []]))

  /** Returns a buffer of at least `length` bytes, with arbitrary content. */
  take(length: number): Buffer {
    const size = length < smallest ? undefined : sizes.find((each) => length <= each)
    if (size === undefined) return Buffer.allocUnsafe(length)
    return this.#idle.get(size)!.pop() ?? Buffer.allocUnsafeSlow(size)
  }

  /** The buffer must not be read or written any more. */
  give(buffer: Buffer): void {
    const idle = this.#idle.get(buffer.length)
    if (idle !== undefined && idle.length < maxIdle) idle.push(buffer)
  }
}
