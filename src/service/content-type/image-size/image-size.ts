/**
 * Reads width and height from the headers of raster images. Decodes nothing. If a file declares several sizes (pages, a
 * container and its code stream, frames), the largest counts. See docs/decisions/0014-image-sizes.md.
 */
import { boxes } from './boxes.ts'
import { EndOfBytes, TooFar, type ByteSource, type Measure } from './byte-source.ts'
import { directories } from './directories.ts'
import { fixedHeader } from './fixed-headers.ts'
import { iconFile, iconSet, rafPreview } from './icons.ts'
import { jpeg } from './jpeg.ts'
import { gif, jpeg2000Stream, jxlStream, png, portablePixmap, variableHeader, webp } from './streams.ts'

export type ImageSize = { width: number; height: number }

/** Patterns of the first bytes, in hexadecimal. */
const formats: readonly (readonly [RegExp, Measure])[] = [
  [/^89504e470d0a1a0a/, png],
  [/^ffd8ff/, jpeg],
  // GIF87a, GIF89a
  [/^474946383[79]61/, gif],
  // RIFF … WEBP
  [/^52494646.{8}57454250/, webp],
  // … ftyp: HEIF, AVIF and raw photographs of Canon
  [/^.{8}66747970/, boxes],
  // The signature boxes of JPEG 2000 and JPEG XL
  [/^0000000c(?:6a502020|4a584c20)0d0a870a/, boxes],
  [/^ff4fff51/, jpeg2000Stream],
  [/^ff0a/, jxlStream],
  // II*, MM*, their BigTIFF with +, IIRO, IIRS, MMOR, IIU, and JPEG XR
  [/^(?:49492[ab]00|4d4d002[ab]|494952(?:4f|53)|4d4d4f52|49495500|4949bc0[01])/, directories],
  [/^00000[12]00/, iconFile],
  // icns
  [/^69636e73/, iconSet],
  // FUJIFILMCCD-RAW
  [/^46554a4946494c4d4343442d524157/, rafPreview],
  // FLIF, BPG
  [/^(?:464c4946|425047fb)/, variableHeader],
  // P1 to P7 and a whitespace character
  [/^503[1-7](?:09|0a|0d|20)/, portablePixmap],
]

/**
 * undefined if the format is unknown or the object ends before its header. `too-far` if the header comes after more
 * metadata than is read.
 */
export async function imageSize(source: ByteSource): Promise<ImageSize | 'too-far' | undefined> {
  let largest: ImageSize | undefined
  const found = (width: number, height: number): void => {
    if (largest === undefined || width * height > largest.width * largest.height) largest = { width, height }
  }
  try {
    const start = (await source.readUpTo(0, 64)).toString('hex')
    const measure = formats.find(([signature]) => signature.test(start))?.[1] ?? fixedHeader
    await measure(source, 0, found)
  } catch (error) {
    if (error instanceof TooFar) return 'too-far'
    if (!(error instanceof EndOfBytes)) throw error
  }
  return largest
}
