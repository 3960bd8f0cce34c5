/** Buffers of past downloads, kept for the next: memory from outside of the heap is dear to allocate and to collect. */

const sizes = [64 * 1024, 256 * 1024] as const
/** Below this an exact buffer costs less than one that is mostly empty. */
const smallest = 16 * 1024
/** Buffers of each size that wait for their next use. */
const maxIdle = 16

export class BufferPool {
  readonly #idle = new Map<number, Buffer[]>(sizes.map((size) => [size, []]))

  /** At least `length` bytes, whatever is in them. */
  take(length: number): Buffer {
    const size = length < smallest ? undefined : sizes.find((each) => length <= each)
    if (size === undefined) return Buffer.allocUnsafe(length)
    return this.#idle.get(size)!.pop() ?? Buffer.allocUnsafeSlow(size)
  }

  /** Only what nobody reads or writes any more. */
  give(buffer: Buffer): void {
    const idle = this.#idle.get(buffer.length)
    if (idle !== undefined && idle.length < maxIdle) idle.push(buffer)
  }
}
