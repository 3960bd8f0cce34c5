/** Files made of boxes: HEIF and AVIF (ISO/IEC 23008-12), JPEG 2000 (ISO/IEC 15444-1, annex I), JPEG XL (18181-2). */
import { EndOfBytes, type ByteSource, type Measure } from './byte-source.ts'
import { jpeg2000Stream, jxlStream } from './streams.ts'

/** Bytes before the first inner box. `meta` starts with a version and flags. */
const containers: Readonly<Record<string, number>> = {
  meta: 4,
  iprp: 0,
  ipco: 0,
  moov: 0,
  trak: 0,
  jp2h: 0,
  jpch: 0,
}

const leaves: Readonly<Record<string, Measure>> = {
  /** The size of an item: of each tile, and of the grid that they form. */
  async ispe(source, at, found) {
    const bytes = await source.read(at, 12)
    found(bytes.readUInt32BE(4), bytes.readUInt32BE(8))
  },
  /** The size of a track of an image sequence, as fixed-point numbers at the end of the box. */
  async tkhd(source, at, found) {
    const end = at + ((await source.read(at, 1))[0] === 1 ? 96 : 84)
    const bytes = await source.read(end - 8, 8)
    found(bytes.readUInt16BE(0), bytes.readUInt16BE(4))
  },
  async ihdr(source, at, found) {
    const bytes = await source.read(at, 8)
    found(bytes.readUInt32BE(4), bytes.readUInt32BE(0))
  },
  jp2c: jpeg2000Stream,
  jxlc: jxlStream,
  jxlp: (source, at, found) => jxlStream(source, at + 4, found),
}

type Box = { type: string; content: number; end: number }

async function readBox(source: ByteSource, at: number, end: number): Promise<Box> {
  const head = await source.read(at, 8)
  const type = head.toString('latin1', 4, 8)
  const size = head.readUInt32BE(0)
  if (size === 1) {
    const large = await source.read(at + 8, 8)
    return { type, content: at + 16, end: at + Number(large.readBigUInt64BE(0)) }
  }
  return { type, content: at + 8, end: size === 0 ? end : at + size }
}

export const boxes: Measure = async (source, base, found) => {
  // The remaining ranges, innermost last. The limit on reads also bounds the work for overlapping boxes.
  const ranges = [{ at: base, end: Infinity }]
  for (let range = ranges.at(-1); range !== undefined; range = ranges.at(-1)) {
    if (range.at + 8 > range.end) {
      ranges.pop()
      continue
    }
    const box = await readBox(source, range.at, range.end)
    if (box.end < box.content) throw new EndOfBytes()
    range.at = box.end
    const skipped = containers[box.type]
    if (skipped !== undefined && ranges.length < 8) ranges.push({ at: box.content + skipped, end: box.end })
    await leaves[box.type]?.(source, box.content, found)
  }
}
