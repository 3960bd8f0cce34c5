/** Formats with a short header at the start, or after a few chunks. */
import type { Measure } from './byte-source.ts'

/** https://www.w3.org/TR/png-3/#11IHDR. Apple's tools write a CgBI chunk before it. */
export const png: Measure = async (source, base, found) => {
  let at = base + 8
  for (let chunk = 0; chunk < 4; chunk++) {
    const head = await source.read(at, 16)
    if (head.toString('latin1', 4, 8) === 'IHDR') return found(head.readUInt32BE(8), head.readUInt32BE(12))
    at += 12 + head.readUInt32BE(0)
  }
}

/** https://www.w3.org/Graphics/GIF/spec-gif89a.txt. Browsers enlarge the screen to a first frame that exceeds it. */
export const gif: Measure = async (source, base, found) => {
  const screen = await source.read(base, 11)
  found(screen.readUInt16LE(6), screen.readUInt16LE(8))
  let at = base + 13 + (screen[10]! & 0x80 ? 3 * 2 ** ((screen[10]! & 7) + 1) : 0)
  for (;;) {
    const block = (await source.read(at, 1))[0]
    if (block === 0x2c) {
      const frame = await source.read(at, 9)
      return found(frame.readUInt16LE(1) + frame.readUInt16LE(5), frame.readUInt16LE(3) + frame.readUInt16LE(7))
    }
    if (block !== 0x21) return
    at += 2
    for (let length = 1; length > 0; at += length + 1) length = (await source.read(at, 1))[0]!
  }
}

/** https://developers.google.com/speed/webp/docs/riff_container: lossy, lossless and extended headers. */
export const webp: Measure = async (source, base, found) => {
  const bytes = await source.read(base, 30)
  const chunk = bytes.toString('latin1', 12, 16)
  if (chunk === 'VP8X') return found(bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1)
  if (chunk === 'VP8 ') return found(bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff)
  if (chunk !== 'VP8L') return
  const bits = bytes.readUInt32LE(21)
  found((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
}

/** The SIZ marker of a JPEG 2000 code stream (ISO/IEC 15444-1, A.5.1). */
export const jpeg2000Stream: Measure = async (source, base, found) => {
  const bytes = await source.read(base, 24)
  if (bytes.toString('latin1', 0, 4) !== '\xff\x4f\xff\x51') return
  found(bytes.readUInt32BE(8) - bytes.readUInt32BE(16), bytes.readUInt32BE(12) - bytes.readUInt32BE(20))
}

/** Width to height of a JPEG XL, as numerator and denominator. */
const ratios = [
  [1, 1],
  [12, 10],
  [4, 3],
  [3, 2],
  [16, 9],
  [5, 4],
  [2, 1],
] as const

/** The SizeHeader of a JPEG XL code stream (ISO/IEC 18181-1, D.2). The lowest bit comes first. */
export const jxlStream: Measure = async (source, base, found) => {
  const bytes = await source.readUpTo(base, 16)
  if (bytes[0] !== 0xff || bytes[1] !== 0x0a) return
  let bit = 16
  const read = (count: number): number => {
    let value = 0
    for (let i = 0; i < count; i++, bit++) value += ((bytes[bit >> 3]! >> (bit & 7)) & 1) * 2 ** i
    return value
  }
  const small = read(1) === 1
  const side = (): number => (small ? (read(5) + 1) * 8 : read([9, 13, 18, 30][read(2)]!) + 1)
  const height = side()
  const ratio = ratios[read(3) - 1]
  found(ratio === undefined ? side() : Math.floor((height * ratio[0]) / ratio[1]), height)
}

/** FLIF and BPG: numbers with seven bits per byte. */
export const variableHeader: Measure = async (source, base, found) => {
  const bytes = await source.readUpTo(base, 24)
  let at = 6
  const read = (): number => {
    let value = 0
    for (let length = 0; length < 8; length++) {
      const byte = bytes[at++] ?? 0
      value = value * 128 + (byte & 0x7f)
      if ((byte & 0x80) === 0) break
    }
    return value
  }
  const [width, height] = [read(), read()]
  // FLIF counts from 0.
  const more = bytes[0] === 0x46 ? 1 : 0
  found(width + more, height + more)
}

/** https://netpbm.sourceforge.net/doc/pnm.html. Comments are allowed between the numbers. */
export const portablePixmap: Measure = async (source, base, found) => {
  const text = (await source.readUpTo(base, 1024)).toString('latin1')
  const numbers = text.replaceAll(/#[^\n]*/g, '')
  const plain = /^P[1-6]\s+(\d{1,9})\s+(\d{1,9})\s/.exec(numbers)
  const named = /^P7\s(?:[^]*\s)?WIDTH\s+(\d{1,9})\s/.exec(numbers)
  if (plain) found(Number(plain[1]), Number(plain[2]))
  else if (named) found(Number(named[1]), Number(/\sHEIGHT\s+(\d{1,9})\s/.exec(numbers)?.[1] ?? 1))
}
