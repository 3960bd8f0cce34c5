/** The bytes of an object on their way out: blocks of its blobs, each checked before any of it is handed on. */
import { OutgoingMessage } from 'node:http'
import { Socket } from 'node:net'
import { Readable, type Writable } from 'node:stream'
import { StorageError } from '../../errors.ts'
import type { ObjectHead, StoredObject } from '../driver.ts'
import { blockIsIntact, blockSize } from './block-sums.ts'
import type { DescriptorCache, Lease } from './descriptor-cache.ts'
import type { FileCalls } from './file-calls.ts'
import type { Segment } from './object-rows.ts'
import { Outlet } from './outlet.ts'

/** One read: a whole block of a blob, of which the bytes `from` to `to` (exclusive) are wanted. */
type BlockRead = { segment: Segment; block: number; length: number; from: number; to: number }

export type ReadDeps = { descriptors: DescriptorCache; calls: FileCalls; spare: Buffer[] }

/** Buffers of past downloads that are kept for the next. */
const maxSpare = 16

/** Up to here an object is read when it is asked for, and damage is known before the answer begins. */
export const readAtOnce = blockSize

export function* planReads(segments: readonly Segment[], start: number, end: number): Generator<BlockRead> {
  for (const segment of segments) {
    const first = Math.max(start, segment.start) - segment.start
    const last = Math.min(end, segment.start + segment.size - 1) - segment.start
    for (let at = first; at <= last;) {
      const block = Math.floor(at / blockSize)
      const offset = block * blockSize
      const length = Math.min(blockSize, segment.size - offset)
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
  readonly #reads: Iterable<BlockRead>
  readonly #done: () => void
  #whole: Buffer | null = null
  #lease: { blob: string; lease: Lease } | null = null

  /** `end` is inclusive; `done` is called once, when nothing more will be read. */
  constructor(
    deps: ReadDeps,
    o: {
      head: ObjectHead
      range?: { start: number; end: number }
      segments: Segment[]
      start: number
      end: number
      done: () => void
    },
  ) {
    this.#deps = deps
    this.head = o.head
    if (o.range) this.range = o.range
    this.#reads = planReads(o.segments, o.start, o.end)
    this.#done = once(o.done)
  }

  /** For what is small: after this no file is needed any more. */
  async preload(): Promise<void> {
    try {
      const slices: Buffer[] = []
      for (const read of this.#reads) slices.push(await this.#read(read, Buffer.allocUnsafe(read.length)))
      this.#whole = slices.length === 1 ? slices[0]! : Buffer.concat(slices)
    } finally {
      this.#finish()
    }
  }

  async sendTo(out: Writable, signal?: AbortSignal): Promise<void> {
    const outlet = new Outlet(out, signal)
    try {
      if (this.#whole === null) await this.#sendBlocks(outlet, keepsNoChunk(out))
      else if (this.#whole.length > 0) await outlet.write(this.#whole)
      outlet.assertOpen()
    } finally {
      outlet.detach()
      this.#finish()
    }
  }

  stream(): Readable {
    const readable = Readable.from(this.#chunks(), { objectMode: false, highWaterMark: blockSize })
    // A generator that was never started runs no `finally`.
    return readable.once('close', () => this.#finish())
  }

  async close(): Promise<void> {
    this.#finish()
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    try {
      if (this.#whole !== null) {
        if (this.#whole.length > 0) yield this.#whole
        return
      }
      for (const read of this.#reads) yield await this.#read(read, Buffer.allocUnsafe(read.length))
    } finally {
      this.#finish()
    }
  }

  /** Two buffers in turn: one is filled while the other is written, and none is touched before its write has ended. */
  async #sendBlocks(outlet: Outlet, reuse: boolean): Promise<void> {
    const take = (): Buffer => this.#deps.spare.pop() ?? Buffer.allocUnsafeSlow(blockSize)
    const buffers = [take(), take()]
    const writes = [Promise.resolve(), Promise.resolve()]
    let turn = 0
    for (const read of this.#reads) {
      await writes[turn]
      if (!reuse) buffers[turn] = Buffer.allocUnsafeSlow(blockSize)
      writes[turn] = outlet.write(await this.#read(read, buffers[turn]!))
      turn = 1 - turn
    }
    await Promise.all(writes)
    // Only here is it certain that no write holds them: after a failure they are left to the collector.
    if (reuse && this.#deps.spare.length < maxSpare) this.#deps.spare.push(...buffers)
  }

  async #read({ segment, block, length, from, to }: BlockRead, buffer: Buffer): Promise<Buffer> {
    const fd = await this.#descriptor(segment.blob)
    let filled = 0
    while (filled < length) {
      const position = block * blockSize + filled
      const { bytesRead } = await this.#deps.calls.read(fd, buffer, filled, length - filled, position)
      if (bytesRead === 0) throw corrupt()
      filled += bytesRead
    }
    if (!blockIsIntact(segment.sums, block, buffer.subarray(0, length))) throw corrupt()
    return buffer.subarray(from, to)
  }

  async #descriptor(blob: string): Promise<number> {
    if (this.#lease?.blob !== blob) {
      this.#lease?.lease.release()
      this.#lease = null
      this.#lease = { blob, lease: await this.#deps.descriptors.acquire(blob) }
    }
    return this.#lease.lease.fd
  }

  #finish(): void {
    this.#lease?.lease.release()
    this.#lease = null
    this.#done()
  }
}

const corrupt = (): StorageError => new StorageError('Corrupt', { message: 'The stored bytes are damaged.' })

/** Sockets and HTTP answers are done with a chunk when its write calls back; another Writable may pass it on as it is. */
const keepsNoChunk = (out: Writable): boolean => out instanceof OutgoingMessage || out instanceof Socket

function once(run: () => void): () => void {
  let ran = false
  return () => {
    if (!ran) run()
    ran = true
  }
}
