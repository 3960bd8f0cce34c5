/**
 * Writes a body to a blob: bytes and digests in one pass, sync, rename, sync of the directory. The caller then commits
 * one transaction. A failure leaves nothing behind.
 */
import type { Readable } from 'node:stream'
import { StorageError } from '../../errors.ts'
import type { BodyExpectation, Checksum, ChecksumAlgorithm } from '../driver.ts'
import type { BlobStore, NewBlob } from './blob-store.ts'
import { digestAtOnce, startDigests, type Digests, type DigestsWanted, type RunningDigests } from './digests.ts'
import { checkExpectation, tooLarge, verifyDigests } from '../expectation.ts'
import type { FileCalls } from './file-calls.ts'
import type { HashThread, Lane } from './hash-thread.ts'
import { receiveBody } from '../receive-body.ts'
import type { WriteGuard } from './write-guard.ts'

/** Bodies up to this size are buffered, hashed at once and written in one call. */
const collected = 256 * 1024
const batchSize = 512 * 1024
const smallestBatch = 128 * 1024
/** Maximum bytes in the batches of all running bodies. With more bodies, each batch is smaller. */
const allBatches = 8 * 1024 * 1024
/** A batch and the chunk that filled it, at the size that sockets deliver. */
export const blockSize = batchSize + 64 * 1024
/** Bodies from this size are hashed in a thread, if it has room. */
const hashedAside = 1024 * 1024
/** Bytes after which the written part is synced while more arrives, so that the last sync is short. */
const syncEvery = 16 * 1024 * 1024

export type BodyOptions = BodyExpectation & {
  maxBytes: number
  signals: readonly (AbortSignal | undefined)[]
  /** Computed even if the client sends no checksum. */
  algorithm?: ChecksumAlgorithm | undefined
  /** Throws if the write is certain to fail for any body. The body is then disposed of as after any failure. */
  refused: () => void | Promise<void>
  /** Called with the number of bytes received so far. Throws to refuse the body. */
  grow?: (size: number) => void
}

/** On disk, without a row. Call `settle` once the index has the row, or `discard` to delete it. */
export type WrittenBlob = Pick<NewBlob, 'id' | 'settle' | 'discard'> & {
  size: number
  md5: string
  checksum?: Checksum
  sums: Buffer
}

export type BodyWriterDeps = {
  blobs: BlobStore
  calls: FileCalls
  guard: WriteGuard
  hashing: HashThread
  /** Number of bodies that are being written. */
  bodies: { running: number }
}

export async function writeBody(deps: BodyWriterDeps, body: Readable, o: BodyOptions): Promise<WrittenBlob> {
  const writer = new BodyWriter(deps, o)
  // Until the first read, nothing else listens for errors. `receiveBody` finds the error on the body later.
  body.on('error', () => {})
  try {
    await o.refused()
    checkExpectation(o)
    await deps.guard.assertWritable(o.contentLength ?? 0)
  } catch (refused) {
    // Dispose of the body in the same place as after any other failure.
    await receiveBody(body, [AbortSignal.abort(refused)], () => undefined)
  }
  deps.bodies.running++
  try {
    await receiveBody(body, o.signals, (chunk) => writer.take(chunk))
    return await writer.finish()
  } catch (error) {
    await writer.discard()
    throw error
  } finally {
    deps.bodies.running--
  }
}

class BodyWriter {
  readonly #deps: BodyWriterDeps
  readonly #o: BodyOptions
  readonly #want: DigestsWanted
  #digests: RunningDigests | null = null
  #lane: Lane | null = null
  #creating: Promise<NewBlob> | null = null
  #batch: Buffer[] = []
  #batched = 0
  #size = 0
  #written = 0
  #syncedAt = 0
  #flushing: Promise<void> = Promise.resolve()
  #writing: Promise<void> = Promise.resolve()
  #syncing: Promise<void> = Promise.resolve()

  constructor(deps: BodyWriterDeps, o: BodyOptions) {
    this.#deps = deps
    this.#o = o
    this.#want = { sha256: o.payloadSha256 !== undefined, checksum: o.checksum?.algorithm ?? o.algorithm }
  }

  /** Returns a promise if the disk is slower than the body, which then waits. */
  take(chunk: Buffer): Promise<void> | undefined {
    this.#size += chunk.length
    this.#assertSize()
    this.#batch.push(chunk)
    this.#batched += chunk.length
    if (this.#digests) this.#digests.update(chunk)
    else if (!this.#lane && this.#size > collected) this.#startHashing()
    return this.#batched >= this.#fullBatch() ? (this.#flushing = this.#flush()) : undefined
  }

  async finish(): Promise<WrittenBlob> {
    const o = this.#o
    // Some streams emit `end` although they were paused.
    await this.#flushing
    if (o.contentLength !== undefined && this.#size < o.contentLength)
      throw new StorageError('IncompleteBody', { message: 'The body has fewer bytes than its Content-Length.' })
    const blob = await (this.#creating ??= this.#deps.blobs.create())
    const digests = await this.#finishHashing()
    const checksum = verifyDigests(digests, o, this.#want.checksum)
    await this.#writing
    await this.#write(this.#batch)
    await this.#syncing
    await blob.publish()
    const { id, settle, discard } = blob
    const md5 = digests.md5.toString('hex')
    return { id, settle, discard, size: this.#size, md5, sums: digests.sums, ...(checksum && { checksum }) }
  }

  async discard(): Promise<void> {
    this.#batch = []
    this.#lane?.drop()
    const blob = await this.#creating?.catch(() => null)
    // No write may use the closed descriptor, because its number may be reused for another file.
    await Promise.allSettled([this.#flushing])
    await Promise.allSettled([this.#writing, this.#syncing])
    await blob?.discard()
  }

  #assertSize(): void {
    const { maxBytes, contentLength, grow } = this.#o
    if (this.#size > maxBytes) throw tooLarge(this.#size, maxBytes)
    if (contentLength !== undefined && this.#size > contentLength)
      throw new StorageError('IncompleteBody', { message: 'The body has more bytes than its Content-Length.' })
    grow?.(this.#size)
  }

  /** A body is buffered until it exceeds the size of a small one. */
  #fullBatch(): number {
    if (this.#size <= collected) return batchSize
    return Math.max(smallestBatch, Math.min(batchSize, allBatches / this.#deps.bodies.running))
  }

  #startHashing(): void {
    if ((this.#o.contentLength ?? hashedAside) >= hashedAside) this.#lane = this.#deps.hashing.begin(this.#want)
    if (this.#lane) return
    this.#digests = startDigests(this.#want)
    for (const chunk of this.#batch) this.#digests.update(chunk)
  }

  async #finishHashing(): Promise<Digests> {
    if (this.#digests) return this.#digests.finish()
    if (this.#lane) {
      if (this.#batched > 0) await this.#flush()
      return this.#lane.finish()
    }
    const whole = this.#batch.length === 1 ? this.#batch[0]! : Buffer.concat(this.#batch)
    this.#batch = [whole]
    return digestAtOnce(whole, this.#want)
  }

  /** Writes one batch while the next one fills. */
  async #flush(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    this.#batched = 0
    this.#creating ??= this.#deps.blobs.create()
    if (!this.#lane) return this.#writeBehind(batch)
    for (const piece of pieces(batch, blockSize)) {
      const block = await this.#lane.update(piece)
      await this.#writeBehind([block.bytes], block.written)
    }
  }

  async #writeBehind(batch: Buffer[], written?: () => void): Promise<void> {
    await this.#writing
    this.#writing = this.#write(batch).then(written)
    // The next caller awaits it. Until then, the rejection must not count as unhandled.
    this.#writing.catch(() => {})
  }

  async #write(batch: Buffer[]): Promise<void> {
    const { fd } = await this.#creating!
    let left = batch.filter((chunk) => chunk.length > 0)
    while (left.length > 0) {
      const { bytesWritten } = await this.#deps.calls.writev(fd, left, this.#written)
      this.#written += bytesWritten
      left = without(left, bytesWritten)
    }
    if (this.#written - this.#syncedAt >= syncEvery) await this.#syncBehind()
  }

  /** Starts a sync after waiting for the previous one. This limits the unwritten bytes in the kernel. */
  async #syncBehind(): Promise<void> {
    this.#syncedAt = this.#written
    await this.#syncing
    await this.#deps.guard.assertWritable(0)
    this.#syncing = (await this.#creating!).syncData()
    this.#syncing.catch(() => {})
  }
}

/** The chunks without their first `bytes` bytes. */
function without(chunks: Buffer[], bytes: number): Buffer[] {
  let i = 0
  for (; i < chunks.length && bytes >= chunks[i]!.length; i++) bytes -= chunks[i]!.length
  return bytes === 0 ? chunks.slice(i) : [chunks[i]!.subarray(bytes), ...chunks.slice(i + 1)]
}

/** Splits the chunks into groups of at most `size` bytes. */
function* pieces(chunks: readonly Buffer[], size: number): Generator<Buffer[]> {
  let piece: Buffer[] = []
  let left = size
  for (let chunk of chunks) {
    while (chunk.length > left) {
      yield [...piece, chunk.subarray(0, left)]
      chunk = chunk.subarray(left)
      piece = []
      left = size
    }
    piece.push(chunk)
    left -= chunk.length
  }
  if (left < size) yield piece
}
