/**
 * Hashes outside of the event loop, for a few concurrent large uploads. MD5 alone takes longer than receiving and
 * writing together. The bytes are copied once into memory that the loop, the disk and the thread share.
 */
import { Worker } from 'node:worker_threads'
import { StorageError } from '../../errors.ts'
import type { Digests, DigestsWanted } from './digests.ts'

export type ToWorker =
  | { kind: 'begin'; body: number; want: DigestsWanted }
  | { kind: 'data'; body: number; memory: SharedArrayBuffer; length: number }
  | { kind: 'end' | 'drop'; body: number }
export type ToMain = { kind: 'hashed'; body: number } | { kind: 'digests'; body: number; digests: Digests }

/** Maximum number of bodies hashed in the thread. With more, the event loop hashes the others, which is faster. */
const maxBodies = 4
/** Maximum number of blocks of one body that are being hashed or written. Beyond it, the sender waits. */
const maxBlocks = 3
/** Milliseconds without work after which the thread is stopped. */
const idleTime = 30_000

const script = new URL(import.meta.url.endsWith('.ts') ? './hash-worker.ts' : './hash-worker.js', import.meta.url)

/** A filled block. Call `written` once it is written. */
export type Block = { bytes: Buffer; written(): void }

export class HashThread {
  readonly #blockSize: number
  readonly #bodies = new Map<number, Lane>()
  readonly #idleBlocks: SharedArrayBuffer[] = []
  #worker: Worker | null = null
  #retiring: NodeJS.Timeout | undefined
  #lastBody = 0

  constructor(o: { blockSize: number }) {
    this.#blockSize = o.blockSize
  }

  /** null if the thread is fully used. */
  begin(want: DigestsWanted): Lane | null {
    if (this.#bodies.size >= maxBodies) return null
    clearTimeout(this.#retiring)
    const worker = (this.#worker ??= this.#start())
    const body = ++this.#lastBody
    const lane = new Lane({
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      post: (message) => worker.postMessage(message),
      body,
      want,
      take: () => this.#idleBlocks.pop() ?? new SharedArrayBuffer(this.#blockSize),
      give: (memory) => void (this.#idleBlocks.length < maxBodies * maxBlocks && this.#idleBlocks.push(memory)),
      over: () => this.#over(body),
    })
    this.#bodies.set(body, lane)
    return lane
  }

  async close(): Promise<void> {
    clearTimeout(this.#retiring)
    this.#fail(null)
    await this.#worker?.terminate()
    this.#worker = null
  }

  #start(): Worker {
    const worker = new Worker(script, { name: 'hash', execArgv: [] })
    worker.unref()
    worker.on('message', (message: ToMain) => this.#bodies.get(message.body)?.hear(message))
    const lost = (cause?: unknown): void => {
      if (this.#worker !== worker) return
      this.#worker = null
      this.#fail(cause)
    }
    worker.once('error', lost).once('exit', () => lost())
    return worker
  }

  #fail(cause: unknown): void {
    const error = new StorageError('Unavailable', { message: 'The upload could not be hashed.', cause, retryAfter: 1 })
    for (const lane of this.#bodies.values()) lane.fail(error)
    this.#bodies.clear()
    this.#idleBlocks.length = 0
  }

  #over(body: number): void {
    this.#bodies.delete(body)
    if (this.#bodies.size > 0) return
    clearTimeout(this.#retiring)
    this.#retiring = setTimeout(() => {
      const worker = this.#worker
      this.#worker = null
      this.#idleBlocks.length = 0
      void worker?.terminate()
    }, idleTime).unref()
  }
}

type LaneDeps = {
  post: (message: ToWorker) => void
  body: number
  want: DigestsWanted
  take: () => SharedArrayBuffer
  give: (memory: SharedArrayBuffer) => void
  over: () => void
}

/** The digests of one body. */
export class Lane {
  readonly #deps: LaneDeps
  /** Blocks that are not hashed yet, oldest first. */
  readonly #unhashed: { memory: SharedArrayBuffer; isWritten: boolean }[] = []
  #failure: StorageError | null = null
  #wake: (() => void) | null = null
  #digests: Digests | null = null
  #isOver = false

  constructor(deps: LaneDeps) {
    this.#deps = deps
    deps.post({ kind: 'begin', body: deps.body, want: deps.want })
  }

  /** Hashes the chunks, at most one block of them. Resolves when there is room for the next. */
  async update(chunks: readonly Uint8Array[]): Promise<Block> {
    await this.#until(() => this.#unhashed.length < maxBlocks)
    const memory = this.#deps.take()
    const whole = Buffer.from(memory)
    let length = 0
    for (const chunk of chunks) {
      whole.set(chunk, length)
      length += chunk.length
    }
    const entry = { memory, isWritten: false }
    this.#unhashed.push(entry)
    this.#deps.post({ kind: 'data', body: this.#deps.body, memory, length })
    const written = (): void => {
      entry.isWritten = true
      if (!this.#unhashed.includes(entry)) this.#deps.give(memory)
    }
    return { bytes: whole.subarray(0, length), written }
  }

  async finish(): Promise<Digests> {
    this.#deps.post({ kind: 'end', body: this.#deps.body })
    await this.#until(() => this.#digests !== null)
    this.#end()
    return this.#digests!
  }

  /** Abandons the body and rejects pending work. Repeatable, and without effect after `finish`. */
  drop(): void {
    if (this.#isOver) return
    this.#deps.post({ kind: 'drop', body: this.#deps.body })
    this.#end()
    this.fail(new StorageError('IncompleteBody', { message: 'The upload was aborted.' }))
  }

  hear(message: ToMain): void {
    if (message.kind === 'digests') {
      const { md5, sums, sha256, checksum } = message.digests
      // A thread sends plain arrays.
      this.#digests = {
        md5: Buffer.from(md5),
        sums: Buffer.from(sums),
        ...(sha256 && { sha256: Buffer.from(sha256) }),
        ...(checksum && { checksum: Buffer.from(checksum) }),
      }
    } else {
      const { memory, isWritten } = this.#unhashed.shift()!
      if (isWritten) this.#deps.give(memory)
    }
    this.#wake?.()
  }

  fail(error: StorageError): void {
    this.#failure = error
    this.#isOver = true
    this.#wake?.()
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#failure) throw this.#failure
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    if (this.#failure) throw this.#failure
  }

  #end(): void {
    if (!this.#isOver) this.#deps.over()
    this.#isOver = true
  }
}
