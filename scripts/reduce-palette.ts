/** A picture of a page in 256 colours: a third of the size, and the same to the eye. */
import { crc32, deflateSync, inflateSync } from 'node:zlib'

type Pixels = { width: number; height: number; /** Red, green and blue, one byte each. */ rgb: Buffer }

/** Takes and returns a PNG file (ISO/IEC 15948), 8 bits a channel, not interlaced. */
export function reducePalette(png: Buffer): Buffer {
  const { width, height, rgb } = decode(png)
  const palette = paletteOf(rgb)
  const known = new Map<number, number>()
  const rows = Buffer.alloc((width + 1) * height)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const colour = rgb.readUIntBE(at, 3)
      let index = known.get(colour)
      if (index === undefined) known.set(colour, (index = nearest(palette, colour)))
      rows[y * (width + 1) + 1 + x] = index
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  // Depth 8, indexed.
  header.set([8, 3], 8)
  const colours = Buffer.from(palette.flatMap((c) => [c >> 16, (c >> 8) & 255, c & 255]))
  return Buffer.concat([
    png.subarray(0, 8),
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const whole = Buffer.alloc(body.length + 8)
  whole.writeUInt32BE(data.length, 0)
  body.copy(whole, 4)
  whole.writeUInt32BE(crc32(body), body.length + 4)
  return whole
}

function decode(png: Buffer): Pixels {
  const packed: Buffer[] = []
  let [width, height, channels] = [0, 0, 0]
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    const type = png.toString('latin1', at + 4, at + 8)
    const data = png.subarray(at + 8, at + 8 + png.readUInt32BE(at))
    if (type === 'IHDR') [width, height, channels] = [data.readUInt32BE(0), data.readUInt32BE(4), data[9] === 6 ? 4 : 3]
    if (type === 'IDAT') packed.push(data)
  }
  const lines = unfilter(inflateSync(Buffer.concat(packed)), width * channels, height, channels)
  const rgb = Buffer.alloc(width * height * 3)
  for (let i = 0; i < width * height; i++) lines.copy(rgb, i * 3, i * channels, i * channels + 3)
  return { width, height, rgb }
}

/** Undoes the filter that each line names in its first byte (section 9 of the standard). */
function unfilter(raw: Buffer, length: number, height: number, channels: number): Buffer {
  const out = Buffer.alloc(length * height)
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (length + 1)]
    for (let x = 0; x < length; x++) {
      const at = y * length + x
      const left = x < channels ? 0 : out[at - channels]!
      const up = y === 0 ? 0 : out[at - length]!
      const corner = x < channels || y === 0 ? 0 : out[at - length - channels]!
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter ?? 0]!
      out[at] = raw[y * (length + 1) + 1 + x]! + guess
    }
  }
  return out
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}

/** Colours that are kept as they are: those of the page, and of the letters' edges. */
const flat = 48

type Counted = { colour: number; count: number }

/** Flat colours, which text and lines are made of, stay as they are; what is left is shared by the median cut. */
function paletteOf(rgb: Buffer): number[] {
  const counts = new Map<number, number>()
  for (let at = 0; at < rgb.length; at += 3) {
    const colour = rgb.readUIntBE(at, 3)
    counts.set(colour, (counts.get(colour) ?? 0) + 1)
  }
  const byCount = [...counts].map(([colour, count]) => ({ colour, count })).toSorted((a, b) => b.count - a.count)
  if (byCount.length <= 256) return byCount.map(({ colour }) => colour)
  const boxes = [byCount.slice(flat)]
  while (boxes.length < 256 - flat) {
    const widest = boxes.reduce((most, box) =>
      spread(box).size * box.length > spread(most).size * most.length ? box : most,
    )
    const { shift, size } = spread(widest)
    if (size === 0) break
    const sorted = widest.toSorted((a, b) => channel(a.colour, shift) - channel(b.colour, shift))
    const middle = sorted.length >> 1
    boxes.splice(boxes.indexOf(widest), 1, sorted.slice(0, middle), sorted.slice(middle))
  }
  return [...byCount.slice(0, flat).map(({ colour }) => colour), ...boxes.map(mean)]
}

const channel = (colour: number, shift: number): number => (colour >> shift) & 255

const spreads = new WeakMap<Counted[], { shift: number; size: number }>()

/** The channel, as its shift, in which a box reaches furthest. */
function spread(box: Counted[]): { shift: number; size: number } {
  const known = spreads.get(box)
  if (known) return known
  const ranges = [16, 8, 0].map((shift) => {
    let [least, most] = [255, 0]
    for (const { colour } of box) {
      least = Math.min(least, channel(colour, shift))
      most = Math.max(most, channel(colour, shift))
    }
    return { shift, size: most - least }
  })
  const widest = ranges.reduce((a, b) => (b.size > a.size ? b : a))
  spreads.set(box, widest)
  return widest
}

function mean(box: Counted[]): number {
  const total = box.reduce((sum, { count }) => sum + count, 0)
  const of = (shift: number): number =>
    Math.round(box.reduce((sum, { colour, count }) => sum + channel(colour, shift) * count, 0) / total)
  return (of(16) << 16) | (of(8) << 8) | of(0)
}

function nearest(palette: readonly number[], colour: number): number {
  let [best, least] = [0, Infinity]
  palette.forEach((other, i) => {
    const distance = [16, 8, 0].reduce((sum, s) => sum + (channel(colour, s) - channel(other, s)) ** 2, 0)
    if (distance < least) [best, least] = [i, distance]
  })
  return best
}
