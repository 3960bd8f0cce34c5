/** TIFF and related formats: BigTIFF, raw photographs, JPEG XR. */
import { ifThere, type ByteSource, type Measure } from './byte-source.ts'

/** Maximum pages and nested images that are read. Scans of books have more, but all of one size. */
const maxDirectories = 16
/** Maximum entries that are read. Entries are sorted by tag, and the size has low tags. */
const maxEntries = 512

type Layout = { little: boolean; big: boolean }

const widthTags = new Set([256, 0xbc80, 2])
const heightTags = new Set([257, 0xbc81, 3])
const subDirectories = 330

export const directories: Measure = async (source, base, found) => {
  const head = await source.read(base, 16)
  const little = head[0] === 0x49
  const big = (little ? head[2] : head[3]) === 0x2b
  const layout = { little, big }
  const queue = [offset(head, big ? 8 : 4, layout)]
  const seen = new Set<number>()
  for (const at of queue) {
    if (at === 0 || seen.has(at)) continue
    if (seen.size === maxDirectories) return
    seen.add(at)
    const directory = { source, base, layout, queue, found }
    await ifThere(readDirectory(directory, base + at))
  }
}

const u16 = (b: Buffer, at: number, { little }: Layout): number => (little ? b.readUInt16LE(at) : b.readUInt16BE(at))
const u32 = (b: Buffer, at: number, { little }: Layout): number => (little ? b.readUInt32LE(at) : b.readUInt32BE(at))
const u64 = (b: Buffer, at: number, { little }: Layout): number =>
  Number(little ? b.readBigUInt64LE(at) : b.readBigUInt64BE(at))
const offset = (b: Buffer, at: number, layout: Layout): number => (layout.big ? u64 : u32)(b, at, layout)

type Reading = {
  source: ByteSource
  base: number
  layout: Layout
  /** Offsets of directories to read, including the next page and nested images. */
  queue: number[]
  found: (width: number, height: number) => void
}

async function readDirectory({ source, base, layout, queue, found }: Reading, at: number): Promise<void> {
  const { big } = layout
  const [countBytes, entryBytes, offsetBytes] = big ? [8, 20, 8] : [2, 12, 4]
  const counted = await source.read(at, countBytes)
  const count = big ? u64(counted, 0, layout) : u16(counted, 0, layout)
  const entries = await source.read(at + countBytes, Math.min(count, maxEntries) * entryBytes)
  let [width, height] = [0, 0]
  const nested: number[] = []
  for (let entry = 0; entry < entries.length; entry += entryBytes) {
    const tag = u16(entries, entry, layout)
    if (widthTags.has(tag)) width = value(entries, entry, layout)
    else if (heightTags.has(tag)) height = value(entries, entry, layout)
    else if (tag === subDirectories) nested.push(entry)
  }
  found(width, height)
  if (count <= 65_536) {
    await ifThere(
      source.read(at + countBytes + count * entryBytes, offsetBytes).then((link) => {
        queue.push(offset(link, 0, layout))
      }),
    )
  }
  for (const entry of nested) {
    await ifThere(listed(source, entries, entry, layout, base).then((more) => void queue.push(...more)))
  }
}

/** A BYTE, SHORT, LONG or LONG8 that the entry itself contains. */
function value(entries: Buffer, entry: number, layout: Layout): number {
  const at = entry + (layout.big ? 12 : 8)
  const type = u16(entries, entry + 2, layout)
  if (type === 3) return u16(entries, at, layout)
  if (type === 16 && layout.big) return u64(entries, at, layout)
  return type === 1 ? entries[at]! : u32(entries, at, layout)
}

async function listed(source: ByteSource, entries: Buffer, entry: number, layout: Layout, base: number) {
  const width = layout.big ? 8 : 4
  const count = Math.min(offset(entries, entry + 4, layout), maxDirectories)
  const inside = entry + (layout.big ? 12 : 8)
  const list =
    count * width <= width
      ? entries.subarray(inside, inside + width)
      : await source.read(base + offset(entries, inside, layout), count * width)
  return Array.from({ length: count }, (_, i) => offset(list, i * width, layout))
}
