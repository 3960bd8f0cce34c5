/**
 * Encodes frames. A frame contains the resulting states of one job. docs/storage-format.md specifies the layout. Every
 * frame contains the header CRC of the previous one, so a frame of another batch, pack or store is never read as the
 * next.
 */
import { crc32 } from 'node:zlib'

export const frameHeaderSize = 64
/** Frames start at multiples of this, in bytes. */
const frameAlignment = 64
/** Batches start at multiples of this, in bytes, so no block with acknowledged bytes is written again. */
export const batchAlignment = 4096

const magic = 0x4d465350
const version = 1

/** The position of the next frame, and the values that it must contain. */
export type ChainEnd = {
  offset: number
  sequence: number
  /** The header CRC of the last frame, or the pack's salt before the first. */
  crc: number
}

export type FrameHeader = {
  sequence: number
  /** Milliseconds. For people only, the code does not use it. */
  time: number
  metaLength: number
  bodyLength: number
  previousCrc: number
  metaCrc: number
  crc: number
}

export const align = (offset: number, to: number): number => Math.ceil(offset / to) * to

export const frameLength = ({ metaLength, bodyLength }: Pick<FrameHeader, 'metaLength' | 'bodyLength'>): number =>
  align(frameHeaderSize + metaLength, frameAlignment) + align(bodyLength, frameAlignment)

export type Batch = {
  bytes: Buffer
  /** The end of the chain after this batch. */
  end: ChainEnd
  /** Offset of the last frame. */
  lastFrame: number
}

/** Encodes the frames of one commit. Padding makes the next batch start in its own block. */
export function encodeBatch(metas: readonly Buffer[], from: ChainEnd, time: number): Batch {
  const length = metas.reduce((sum, meta) => sum + frameLength({ metaLength: meta.length, bodyLength: 0 }), 0)
  const bytes = Buffer.alloc(align(from.offset + length, batchAlignment) - from.offset)
  let { sequence, crc } = from
  let at = 0
  let lastFrame = 0
  for (const meta of metas) {
    lastFrame = at
    sequence++
    const header = bytes.subarray(at, at + frameHeaderSize)
    header.writeUInt32LE(magic, 0)
    header.writeUInt8(version, 4)
    header.writeBigUInt64LE(BigInt(sequence), 8)
    header.writeBigUInt64LE(BigInt(Math.max(0, Math.trunc(time))), 16)
    header.writeUInt32LE(meta.length, 24)
    header.writeUInt32LE(crc, 32)
    header.writeUInt32LE(crc32(meta), 36)
    crc = crc32(header.subarray(0, 60))
    header.writeUInt32LE(crc, 60)
    meta.copy(bytes, at + frameHeaderSize)
    at += frameLength({ metaLength: meta.length, bodyLength: 0 })
  }
  return { bytes, end: { offset: from.offset + bytes.length, sequence, crc }, lastFrame: from.offset + lastFrame }
}

/** null if the bytes are not a frame header of this version. */
export function decodeHeader(header: Buffer): FrameHeader | null {
  if (header.length < frameHeaderSize || header.readUInt32LE(0) !== magic || header[4] !== version) return null
  const crc = header.readUInt32LE(60)
  // Flags mark features that this version does not support: a body, encryption.
  if (crc32(header.subarray(0, 60)) !== crc || header[5] !== 0) return null
  return {
    sequence: Number(header.readBigUInt64LE(8)),
    time: Number(header.readBigUInt64LE(16)),
    metaLength: header.readUInt32LE(24),
    bodyLength: header.readUInt32LE(28),
    previousCrc: header.readUInt32LE(32),
    metaCrc: header.readUInt32LE(36),
    crc,
  }
}

export const isMeta = (meta: Buffer, { metaCrc }: FrameHeader): boolean => crc32(meta) === metaCrc

/** Padding is zero. A frame never starts with zero. */
export const startsPadding = (header: Buffer): boolean => header.readUInt32LE(0) === 0
