/** Files that contain whole images of other formats. */
import { boxes } from './boxes.ts'
import { ifThere, type Measure } from './byte-source.ts'
import { bitmap } from './fixed-headers.ts'
import { jpeg } from './jpeg.ts'
import { jpeg2000Stream, png } from './streams.ts'

const maxImages = 32

const nested: Measure = async (source, base, found) => {
  const start = (await source.readUpTo(base, 12)).toString('latin1')
  if (start.startsWith('\x89PNG')) return png(source, base, found)
  if (start.startsWith('\0\0\0\x0cjP')) return boxes(source, base, found)
  if (start.startsWith('\xff\x4f\xff\x51')) return jpeg2000Stream(source, base, found)
}

/** ICO and CUR. A bitmap in them declares twice its visible height, because it includes the mask. */
export const iconFile: Measure = async (source, base, found) => {
  const count = Math.min((await source.read(base, 6)).readUInt16LE(4), maxImages)
  const entries = await source.readUpTo(base + 6, count * 16)
  for (let entry = 0; entry + 16 <= entries.length; entry += 16) {
    found(entries[entry] || 256, entries[entry + 1] || 256)
    const at = base + entries.readUInt32LE(entry + 12)
    await ifThere(iconImage(source, at, found))
  }
}

const iconImage: Measure = async (source, at, found) => {
  const isPng = (await source.readUpTo(at, 4)).toString('latin1') === '\x89PNG'
  if (isPng) await png(source, at, found)
  else await bitmap(source, at, (width, height) => found(width, height / 2))
}

/** ICNS */
export const iconSet: Measure = async (source, base, found) => {
  const end = base + (await source.read(base, 8)).readUInt32BE(4)
  let at = base + 8
  for (let i = 0; i < maxImages && at + 8 <= end; i++) {
    const length = (await source.read(at, 8)).readUInt32BE(4)
    if (length < 8) return
    await ifThere(nested(source, at + 8, found))
    at += length
  }
}

/** The JPEG preview in a raw photograph of Fujifilm. It is as large as the photograph. */
export const rafPreview: Measure = async (source, base, found) => {
  await jpeg(source, base + (await source.read(base + 84, 4)).readUInt32BE(0), found)
}
