/** Sends the bytes of an object: blocks of its blobs, each checked before any of it is sent. */
import { Socket } from 'node:net'
import { Readable, type Writable } from 'node:stream'
import { StorageError } from '../../errors.ts'
import type { LocalFile, ObjectHead, StoredObject } from '../driver.ts'
import { blocksAreIntact, blockSize } from './block-sums.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { DescriptorCache, Lease } from './descriptor-cache.ts'
import type { FileCalls } from './file-calls.ts'
import type { Segment } from './object-rows.ts'
import { SettlingWriter } from './settling-writer.ts'

/**
 * One read of whole blocks of a blob, starting at block number `block`. The bytes `from` to `to` (exclusive) are
 * wanted.
 */
type BlockRead = { segment: Segment; block: number; length: number; from: number; to: number }

export type ReadDeps = { descriptors: DescriptorCache; calls: FileCalls; buffers: BufferPool }

/** Maximum bytes per read. */
const readSize = 4 * blockSize
const smallRead = 2 * blockSize

/** Objects up to this size are read before the response starts, so damage is found in time. */
export const readAtOnce = readSize

// An ESM import of node:http would also load its WebSocket. See http/node-http.ts.
const { OutgoingMessage } = process.getBuiltinModule('node:http')

export function* planReads(segments: readonly Segment[], start: number, end: number): Generator<BlockRead> {
  for (const segment of segments) {
    const first = Math.max(start, segment.start) - segment.start
    const last = Math.min(end, segment.start + segment.size - 1) - segment.start
    for (let at = first; at <= last;) {
      const block = Math.floor(at / blockSize)
      const offset = block * blockSize
      const blocksEnd = Math.min(segment.size, (Math.floor(last / blockSize) + 1) * blockSize)
      const length = Math.min(readSize, blocksEnd - offset)
      const to = Math.min(length, last - offset + 1)
      yield { segment, block, length, from: at - offset, to }
      at = offset + to
    }
  }
}

export class StoredBytes implements StoredObject {
  readonly head: ObjectHead
  readonly range?: { start: number; end: number }
  readonly #deps: ReadDeps
  #reads: Iterable<BlockRead>
  readonly #done: () => void
  readonly #first: Segment | undefined
  readonly #localFile: () => LocalFile | null
  #whole: { bytes: Buffer; memory: Buffer | null } | null = null
  #lease: { blob: string; lease: Lease } | null = null

  /** `end` is inclusive. `done` is called once, when nothing more will be read. */
  constructor(
    deps: ReadDeps,
    o: {
      head: ObjectHead
      range?: { start: number; end: number }
      segments: Segment[]
      start: number
      end: number
      localFile: () => LocalFile | null
      done: () => void
    },
  ) {
    this.#deps = deps
    this.head = o.head
    if (o.range) this.range = o.range
    this.#reads = planReads(o.segments, o.start, o.end)
    this.#first = o.segments[0]
    this.#localFile = o.localFile
    this.#done = once(o.done)
  }

  /** For large objects. Detects a missing blob before the response starts. */
  async begin(): Promise<void> {
    try {
      if (this.#first) await this.#descriptor(this.#first.blob)
    } catch (error) {
      this.#finish()
      throw error
    }
  }

  /** For small objects. Afterwards, no file is needed any more. */
  async preload(): Promise<void> {
    try {
      const slices: Buffer[] = []
      const taken: Buffer[] = []
      for (const read of this.#reads) {
        const memory = this.#deps.buffers.take(read.length)
        taken.push(memory)
        slices.push(await this.#read(read, memory))
      }
      this.#whole =
        slices.length === 1 ? { bytes: slices[0]!, memory: taken[0]! } : { bytes: Buffer.concat(slices), memory: null }
    } finally {
      this.#finish()
    }
  }

  async sendTo(out: Writable, signal?: AbortSignal): Promise<void> {
    const outlet = new SettlingWriter(out, signal)
    try {
      if (this.#whole === null) await this.#sendBlocks(outlet, keepsNoChunk(out))
      else await this.#sendWhole(outlet, this.#whole, keepsNoChunk(out))
      outlet.assertOpen()
    } finally {
      outlet.detach()
      this.#finish()
    }
  }

  localFile(): LocalFile | null {
    return this.#whole === null ? this.#localFile() : null
  }

  stream(): Readable {
    const readable = Readable.from(this.#chunks(), { objectMode: false, highWaterMark: readSize })
    // A generator that never started does not run `finally`.
    return readable.once('close', () => this.#finish())
  }

  async close(): Promise<void> {
    this.#finish()
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    try {
      if (this.#whole !== null) {
        if (this.#whole.bytes.length > 0) yield this.#whole.bytes
        return
      }
      for (const read of this.#reads) yield await this.#read(read, Buffer.allocUnsafe(read.length))
    } finally {
      this.#finish()
    }
  }

  async #sendWhole(
    outlet: SettlingWriter,
    { bytes, memory }: { bytes: Buffer; memory: Buffer | null },
    reuse: boolean,
  ): Promise<void> {
    if (bytes.length > 0) await outlet.write(bytes)
    if (memory !== null && reuse) this.#deps.buffers.give(memory)
    this.#whole = null
    this.#reads = []
  }

  /**
   * Alternates between two buffers: one is filled while the other is written. A buffer is not touched before its write
   * has finished.
   */
  async #sendBlocks(outlet: SettlingWriter, reuse: boolean): Promise<void> {
    const { buffers: pool } = this.#deps
    const buffers = [pool.take(readSize), pool.take(readSize)]
    const writes = [Promise.resolve(), Promise.resolve()]
    let turn = 0
    for (const read of this.#reads) {
      await writes[turn]
      if (!reuse) buffers[turn] = Buffer.allocUnsafeSlow(readSize)
      writes[turn] = outlet.write(await this.#read(read, buffers[turn]!))
      turn = 1 - turn
    }
    await Promise.all(writes)
    // At this point no write uses the buffers. After a failure, they are left to the garbage collector.
    if (reuse) for (const buffer of buffers) pool.give(buffer)
  }

  async #read({ segment, block, length, from, to }: BlockRead, buffer: Buffer): Promise<Buffer> {
    const { fd, cached } = await this.#descriptor(segment.blob)
    const { calls } = this.#deps
    const blocksEnd = block + Math.ceil(length / blockSize)
    // A larger read runs in a thread while the event loop sends.
    const isSmall = length <= smallRead
    const call = isSmall && cached.has(block, blocksEnd) ? calls.readCached : calls.read
    let filled = 0
    while (filled < length) {
      const position = block * blockSize + filled
      const { bytesRead } = await call(fd, buffer, filled, length - filled, position)
      if (bytesRead === 0) throw this.#corrupt(segment)
      filled += bytesRead
    }
    if (isSmall) cached.add(block, blocksEnd)
    if (!blocksAreIntact(segment.sums, block, buffer.subarray(0, length))) throw this.#corrupt(segment)
    return buffer.subarray(from, to)
  }

  /** The next reader opens the blob again, because it may have been moved to quarantine or restored from a backup. */
  #corrupt({ blob }: Segment): StorageError {
    this.#deps.descriptors.forget(blob)
    return new StorageError('Corrupt', { message: 'The stored bytes are damaged.' })
  }

  async #descriptor(blob: string): Promise<Lease> {
    if (this.#lease?.blob !== blob) {
      this.#lease?.lease.release()
      this.#lease = null
      this.#lease = { blob, lease: await this.#deps.descriptors.acquire(blob) }
    }
    return this.#lease.lease
  }

  #finish(): void {
    this.#lease?.lease.release()
    this.#lease = null
    this.#done()
  }
}

/**
 * Whether the stream needs no chunk after its write callback. Sockets and HTTP responses do not, other Writables may
 * pass it on.
 */
const keepsNoChunk = (out: Writable): boolean => out instanceof OutgoingMessage || out instanceof Socket

function once(run: () => void): () => void {
  let ran = false
  return () => {
    if (!ran) run()
    ran = true
  }
}
