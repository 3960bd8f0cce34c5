/**
 * A CRC-32 for every 64 KiB of a blob, kept in the index. A read checks each block before it sends any byte of it, also
 * for ranges. A changed bit aborts the response and is never sent. The block size is small enough that a short range
 * costs little more than its own bytes, and large enough that the sums of a terabyte fit into 64 MiB.
 */
import { crc32 } from 'node:zlib'

export const blockSize = 64 * 1024

export class BlockSums {
  #done: number[] = []
  #sum = 0
  #filled = 0

  update(data: Uint8Array): void {
    for (let from = 0; from < data.length;) {
      const to = Math.min(data.length, from + blockSize - this.#filled)
      this.#sum = crc32(data.subarray(from, to), this.#sum)
      this.#filled += to - from
      from = to
      if (this.#filled === blockSize) this.#close()
    }
  }

  /** 4 bytes per block, little endian. */
  finish(): Buffer {
    if (this.#filled > 0) this.#close()
    const sums = Buffer.alloc(this.#done.length * 4)
    this.#done.forEach((sum, i) => sums.writeUInt32LE(sum, i * 4))
    return sums
  }

  #close(): void {
    this.#done.push(this.#sum)
    this.#sum = 0
    this.#filled = 0
  }
}

/**
 * Whether `data` matches the stored bytes. It must start with block `first`, and end at the end of a block or of the
 * blob.
 */
export function blocksAreIntact(sums: Buffer, first: number, data: Uint8Array): boolean {
  for (let from = 0, at = first * 4; from < data.length; from += blockSize, at += 4) {
    if (sums.length < at + 4 || sums.readUInt32LE(at) !== crc32(data.subarray(from, from + blockSize))) return false
  }
  return true
}
