/** Formats with the size at a fixed offset. */
import type { Measure } from './byte-source.ts'

type Header = { signature: RegExp; width: number; height: number; little?: true }

/** The signatures are in hexadecimal. */
const headers: readonly Header[] = [
  // 8BPS, gimp xcf, qoif, DDS
  { signature: /^38425053/, width: 18, height: 14 },
  { signature: /^67696d702078636620/, width: 14, height: 18 },
  { signature: /^716f6966/, width: 4, height: 8 },
  { signature: /^444453207c000000/, width: 16, height: 12, little: true },
  // KTX 11 in both byte orders, and KTX 20
  { signature: /^ab4b5458203131bb0d0a1a0a01020304/, width: 36, height: 40, little: true },
  { signature: /^ab4b5458203131bb0d0a1a0a04030201/, width: 36, height: 40 },
  { signature: /^ab4b5458203230bb/, width: 20, height: 24, little: true },
]

export const fixedHeader: Measure = async (source, base, found) => {
  const start = (await source.readUpTo(base, 16)).toString('hex')
  // BM
  if (start.startsWith('424d')) return bitmap(source, base + 14, found)
  const header = headers.find(({ signature }) => signature.test(start))
  if (header === undefined) return
  const read = async (at: number): Promise<number> => {
    const bytes = await source.read(base + at, 4)
    return header.little ? bytes.readUInt32LE(0) : bytes.readUInt32BE(0)
  }
  found(await read(header.width), await read(header.height))
}

/** The bitmap header, without the file header. A negative height means that rows start at the top. */
export const bitmap: Measure = async (source, base, found) => {
  const bytes = await source.read(base, 12)
  if (bytes.readUInt32LE(0) === 12) return found(bytes.readUInt16LE(4), bytes.readUInt16LE(6))
  found(Math.abs(bytes.readInt32LE(4)), Math.abs(bytes.readInt32LE(8)))
}
