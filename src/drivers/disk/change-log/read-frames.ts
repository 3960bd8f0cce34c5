/** Reads frames in order, up to the first one that does not continue the chain. */
import type { LogCalls } from '../file-calls.ts'
import {
  align,
  batchAlignment,
  decodeHeader,
  frameHeaderSize,
  frameLength,
  isMeta,
  startsPadding,
  type ChainEnd,
  type FrameHeader,
} from './frame.ts'

export type Frame = { header: FrameHeader; offset: number; end: number; meta: Buffer }

const windowSize = 1024 * 1024

/** Reads a file by position, through one window that only moves forward. */
export class FileWindow {
  readonly #calls: LogCalls
  readonly #fd: number
  readonly #end: number
  #buffer: Buffer = Buffer.alloc(0)
  #start = 0

  /** Reads nothing at or after `end`. */
  constructor(calls: LogCalls, fd: number, end: number) {
    this.#calls = calls
    this.#fd = fd
    this.#end = end
  }

  /** Fewer than `length` bytes only at the end of the file. Errors of the file system are passed on. */
  bytes(at: number, length: number): Buffer {
    if (at < this.#start || at + length > this.#start + this.#buffer.length) this.#fill(at, length)
    return this.#buffer.subarray(at - this.#start, at - this.#start + length)
  }

  #fill(at: number, length: number): void {
    const wanted = Math.max(0, Math.min(Math.max(length, windowSize), this.#end - at))
    const buffer = Buffer.allocUnsafe(wanted)
    let filled = 0
    while (filled < wanted) {
      const read = this.#calls.readSync(this.#fd, buffer, filled, wanted - filled, at + filled)
      if (read === 0) break
      filled += read
    }
    this.#buffer = buffer.subarray(0, filled)
    this.#start = at
  }
}

/** The frames that continue the chain after `from`, up to byte `end`. */
export function* framesAfter(window: FileWindow, from: ChainEnd, end: number): Generator<Frame> {
  let { offset, sequence, crc } = from
  while (offset + frameHeaderSize <= end) {
    const head = window.bytes(offset, frameHeaderSize)
    if (head.length < frameHeaderSize) return
    if (startsPadding(head)) {
      const next = align(offset, batchAlignment)
      if (next === offset) return
      offset = next
      continue
    }
    const frame = frameAt(window, offset, end)
    if (frame?.header.sequence !== sequence + 1 || frame.header.previousCrc !== crc) return
    yield frame
    ;({ sequence, crc } = frame.header)
    offset = frame.end
  }
}

/** The whole frame at this offset, of any chain. null if there is none. */
function frameAt(window: FileWindow, offset: number, end: number): Frame | null {
  const header = decodeHeader(window.bytes(offset, frameHeaderSize))
  if (header === null || offset + frameLength(header) > end) return null
  const meta = window.bytes(offset + frameHeaderSize, header.metaLength)
  if (meta.length !== header.metaLength || !isMeta(meta, header)) return null
  return { header, offset, end: offset + frameLength(header), meta: Buffer.from(meta) }
}

/** The next whole frame after damage: one with a later sequence than the last frame read. */
export function findFrame(window: FileWindow, from: ChainEnd, end: number): Frame | null {
  for (let offset = align(from.offset, frameHeaderSize); offset + frameHeaderSize <= end; offset += frameHeaderSize) {
    const frame = frameAt(window, offset, end)
    if (frame && frame.header.sequence > from.sequence) return frame
  }
  return null
}
