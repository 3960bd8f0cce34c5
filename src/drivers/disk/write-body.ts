/**
 * A body becomes a blob: bytes and digests in one pass, synced, renamed, directory synced. What remains is the caller's
 * one transaction. Nothing that fails on the way leaves anything behind.
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

/** Up to here a body is collected, hashed at once and written in one call. */
const collected = 256 * 1024
const batchSize = 512 * 1024
const smallestBatch = 128 * 1024
/** Bytes that the batches of all running bodies may have together: the more there are, the smaller is each. */
const allBatches = 8 * 1024 * 1024
/** A batch with the chunk that filled it, as sockets deliver them. */
export const blockSize = batchSize + 64 * 1024
/** From here on a body is hashed in a thread of its own, where that has room. */
const hashedAside = 1024 * 1024
/** Bytes after which what was written is synced while more comes in: the last sync then finds little to do. */
const syncEvery = 16 * 1024 * 1024

export type BodyOptions = BodyExpectation & {
  maxBytes: number
  signals: readonly (AbortSignal | undefined)[]
  /** Computed also where the body brings none. */
  algorithm?: ChecksumAlgorithm | undefined
  /** Throws where the write has no chance whatever its body is; the body is disposed of as after any failure. */
  refused: () => void | Promise<void>
  /** Called with the number of bytes received so far. Throws to refuse the body. */
  grow?: (size: number) => void
}

/** On the disk, known to nobody: `settle` once the index has it, `discard` if it never will. */
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
  /** How many bodies are being written. */
  bodies: { running: number }
}

export async function writeBody(deps: BodyWriterDeps, body: Readable, o: BodyOptions): Promise<WrittenBlob> {
  const writer = new BodyWriter(deps, o)
  // Between here and the first read nobody else listens. `receiveBody` sees the error later, on the body.
  body.on('error', () => {})
  try {
    await o.refused()
    checkExpectation(o)
    await deps.guard.assertWritable(o.contentLength ?? 0)
  } catch (refused) {
    // As for a failure on the way: one place disposes of bodies.
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

  /** A promise where the disk is behind: the body waits. */
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
    // Some streams tell their end although they were asked to pause.
    await this.#flushing
    if (o.contentLength !== undefined && this.#size < o.contentLength)
      throw new StorageError('IncompleteBody', { message: 'The body has fewer bytes than its Content-Length says.' })
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
    // Nothing may write to the descriptor once it is closed: its number may be another file's by then.
    await Promise.allSettled([this.#flushing])
    await Promise.allSettled([this.#writing, this.#syncing])
    await blob?.discard()
  }

  #assertSize(): void {
    const { maxBytes, contentLength, grow } = this.#o
    if (this.#size > maxBytes) throw tooLarge(this.#size, maxBytes)
    if (contentLength !== undefined && this.#size > contentLength)
      throw new StorageError('IncompleteBody', { message: 'The body has more bytes than its Content-Length says.' })
    grow?.(this.#size)
  }

  /** Until it is known whether the body is a small one, it is collected. */
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

  /** One batch is being written while the next one fills. */
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
    // Noticed by whoever awaits it next; until then it is not an unhandled one.
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

  /** Waits for the sync before this one, which bounds what the kernel holds back, not for this one. */
  async #syncBehind(): Promise<void> {
    this.#syncedAt = this.#written
    await this.#syncing
    await this.#deps.guard.assertWritable(0)
    this.#syncing = (await this.#creating!).syncData()
    this.#syncing.catch(() => {})
  }
}

/** What is left of the chunks after their first `bytes`. */
function without(chunks: Buffer[], bytes: number): Buffer[] {
  let i = 0
  for (; i < chunks.length && bytes >= chunks[i]!.length; i++) bytes -= chunks[i]!.length
  return bytes === 0 ? chunks.slice(i) : [chunks[i]!.subarray(bytes), ...chunks.slice(i + 1)]
}

/** The chunks in runs of at most `size` bytes. */
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
