import type { Measure } from './byte-source.ts'

const isFrame = (marker: number): boolean =>
  // SOF0 to SOF15 without DHT, JPG and DAC (ITU T.81, B.1.1.3), and SOF55 of JPEG-LS.
  (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) || marker === 0xf7

/** Walks the segments to the frame header (ITU T.81, B.2.2). */
export const jpeg: Measure = async (source, base, found) => {
  let at = base + 2
  for (;;) {
    const head = await source.readUpTo(at, 9)
    const marker = head.length < 2 || head[0] !== 0xff ? 0xd9 : head[1]!
    if (marker === 0xff) at += 1
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2
    else if (marker === 0xd9 || marker === 0xda) return
    else {
      const segment = await source.read(at, isFrame(marker) ? 9 : 4)
      if (isFrame(marker)) return found(segment.readUInt16BE(7), segment.readUInt16BE(5))
      at += 2 + Math.max(2, segment.readUInt16BE(2))
    }
  }
}
