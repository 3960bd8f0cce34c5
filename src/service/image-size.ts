/** Width and height as the headers of PNG, GIF, JPEG and WebP declare them; nothing is decoded. */
export type ImageSize = { width: number; height: number }

/** A side from which an image counts as a decompression bomb. */
export const maxImageSide = 60_000

/**
 * `more`: the header lies further on (a JPEG with large metadata before its frame). undefined: no such image.
 */
export function imageSize(bytes: Buffer): ImageSize | 'more' | undefined {
  const start = bytes.toString('latin1', 0, 16)
  if (start.startsWith('\x89PNG\r\n\x1a\n'))
    return bytes.length < 24 ? 'more' : pair(bytes.readUInt32BE(16), bytes.readUInt32BE(20))
  if (/^GIF8[79]a/.test(start)) return bytes.length < 10 ? 'more' : pair(bytes.readUInt16LE(6), bytes.readUInt16LE(8))
  if (start.startsWith('\xff\xd8\xff')) return jpegSize(bytes)
  if (/^RIFF[^]{4}WEBP/.test(start)) return bytes.length < 30 ? 'more' : webpSize(bytes)
  return undefined
}

export const isBomb = ({ width, height }: ImageSize): boolean => width >= maxImageSide || height >= maxImageSide

const pair = (width: number, height: number): ImageSize => ({ width, height })

/** Walks the segments to the frame header (SOF0 to SOF15, ITU T.81 B.2.2). */
function jpegSize(bytes: Buffer): ImageSize | 'more' | undefined {
  let at = 2
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1] ?? 0
    if (marker === 0xff) {
      at += 1
    } else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2
    } else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return pair(bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5))
    } else if (marker === 0xd9 || marker === 0xda) {
      return undefined
    } else {
      at += 2 + Math.max(2, bytes.readUInt16BE(at + 2))
    }
  }
  return 'more'
}

/** https://developers.google.com/speed/webp/docs/riff_container: lossy, lossless and extended headers. */
function webpSize(bytes: Buffer): ImageSize | undefined {
  const chunk = bytes.toString('latin1', 12, 16)
  if (chunk === 'VP8X') return pair(bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1)
  if (chunk === 'VP8 ') return pair(bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff)
  if (chunk !== 'VP8L') return undefined
  const bits = bytes.readUInt32LE(21)
  return pair((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
}
