import { expect, test } from 'vitest'
import { ByteSource } from '../../src/service/content-type/image-size/byte-source.ts'
import { imageSize } from '../../src/service/content-type/image-size/image-size.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
const latin1 = (text: string) => Buffer.from(text, 'latin1')
const be32 = (...numbers: number[]) => hex(numbers.map((n) => n.toString(16).padStart(8, '0')).join(''))
const le32 = (...numbers: number[]) => Buffer.from(Uint32Array.from(numbers).buffer)
const le16 = (...numbers: number[]) => Buffer.from(Uint16Array.from(numbers).buffer)
const join = (...parts: (Buffer | string)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? latin1(part) : part)))

/** As a store answers: what was fetched beyond the sample is counted. */
async function measure(bytes: Buffer, sample = 4100) {
  const fetched = { requests: 0, bytes: 0 }
  const source = new ByteSource(bytes.subarray(0, sample), bytes.length, async (start, length) => {
    fetched.requests++
    fetched.bytes += length
    return bytes.subarray(start, start + length)
  })
  return { size: await imageSize(source), fetched }
}

const riff = (chunk: string, rest: string) =>
  join('RIFF\0\0\0\0WEBP', chunk, hex('00000000'), hex(rest), Buffer.alloc(20))
const png = (width: number, height: number) =>
  join('\x89PNG\r\n\x1a\n', be32(13), 'IHDR', be32(width, height), hex('0806000000 00000000'))
const box = (type: string, ...content: (Buffer | string)[]) => {
  const inside = join(...content)
  return join(be32(inside.length + 8), type, inside)
}
const ispe = (width: number, height: number) => box('ispe', be32(0, width, height))
const heif = (brand: string, ...properties: Buffer[]) =>
  join(box('ftyp', brand, be32(0)), box('meta', be32(0), box('iprp', box('ipco', ...properties))))
const jpeg2000 = (width: number, height: number) =>
  join(hex('ff4f ff51 0029 0000'), be32(width, height, 0, 0), Buffer.alloc(20))
const jp2 = (...inside: Buffer[]) =>
  join(hex('0000000c 6a502020 0d0a870a'), box('ftyp', 'jp2 ', be32(0), 'jp2 '), ...inside)
const ihdr = (width: number, height: number) => box('jp2h', box('ihdr', be32(height, width), hex('0003 07 07 00 00')))
const entry = (tag: number, value: number, type = 4) => join(le16(tag, type), le32(1, value))
const ifd = (entries: Buffer[], next = 0) => join(le16(entries.length), ...entries, le32(next))
const page = (width: number, height: number, next = 0) => ifd([entry(256, width), entry(257, height)], next)
const tiff = (first: number, ...parts: Buffer[]) => join('II*\0', le32(first), ...parts)
const bitmapHeader = (width: number, height: number) => {
  const header = Buffer.alloc(40)
  header.writeUInt32LE(40, 0)
  header.writeInt32LE(width, 4)
  header.writeInt32LE(height, 8)
  return header
}
const icon = (image: Buffer) => join(hex('0000 0100 0100 10100000 0100 2000'), le32(image.length, 22), image)
const jpegFrame = (width: number, height: number, marker = 'ffc2') =>
  join(hex(`${marker} 0011 08`), be32(height * 65_536 + width), hex('03 000000 000000 000000'))
const metadata = (count: number) => Array.from({ length: count }, () => join(hex('ffe1 ffff'), Buffer.alloc(0xfffd)))

test.each<[string, Buffer, number, number]>([
  ['PNG', png(60_000, 50_000), 60_000, 50_000],
  ['PNG of Apple', join('\x89PNG\r\n\x1a\n', be32(4), 'CgBI', be32(0, 0), png(640, 480).subarray(8)), 640, 480],
  ['GIF', join('GIF89a', hex('ffff 60ea 00 00 00 3b')), 65_535, 60_000],
  [
    'GIF whose first frame exceeds the screen',
    join('GIF89a', hex('0100 0100 80 00 00'), Buffer.alloc(6), hex('21f904 00000000 00 2c 0000 0000 60ea 50c3 00')),
    60_000,
    50_000,
  ],
  ['JPEG', join(hex('ffd8 ffe0 0004 0000 ff'), jpegFrame(64_000, 60_000)), 64_000, 60_000],
  ['JPEG-LS', join(hex('ffd8'), jpegFrame(640, 480, 'fff7')), 640, 480],
  ['extended WebP', riff('VP8X', '00000000 ffffff 000000'), 16_777_216, 1],
  ['lossy WebP', riff('VP8 ', '000000 9d012a 8002 e001'), 640, 480],
  ['lossless WebP', riff('VP8L', '2f 7fc27700'), 640, 480],
  ['AVIF', heif('avif', ispe(60_000, 50_000)), 60_000, 50_000],
  ['HEIC of tiles, by its grid', heif('heic', ispe(512, 512), ispe(8064, 6048), ispe(320, 240)), 8064, 6048],
  [
    'HEIC behind its pixels',
    join(box('ftyp', 'heic', be32(0)), box('mdat', Buffer.alloc(100_000)), heif('heic', ispe(9, 7)).subarray(16)),
    9,
    7,
  ],
  [
    'AVIF sequence',
    join(
      box('ftyp', 'avis', be32(0)),
      box('moov', box('trak', box('tkhd', Buffer.alloc(76), be32(640 * 65_536, 480 * 65_536)))),
    ),
    640,
    480,
  ],
  ['JPEG 2000', jp2(ihdr(640, 480)), 640, 480],
  [
    'JPEG 2000 whose code stream is larger than it says',
    jp2(ihdr(10, 10), box('jp2c', jpeg2000(60_000, 50_000))),
    60_000,
    50_000,
  ],
  ['JPEG 2000 code stream', jpeg2000(640, 480), 640, 480],
  ['small JPEG XL', hex('ff0a 41 00 00'), 8, 8],
  ['JPEG XL by height and ratio', join(hex('ff0a'), le32(2 + 479 * 2 ** 3 + 3 * 2 ** 16)), 640, 480],
  ['JPEG XL by both sides', join(hex('ff0a'), le32(2 + 479 * 2 ** 3 + 2 ** 19 + 639 * 2 ** 21, 0)), 640, 480],
  [
    'JPEG XL in boxes',
    join('\0\0\0\x0cJXL \r\n\x87\n', box('ftyp', 'jxl ', be32(0)), box('jxlc', hex('ff0a fa0e03 000000'))),
    640,
    480,
  ],
  ['TIFF', tiff(8, page(640, 480)), 640, 480],
  ['TIFF with short numbers', tiff(8, ifd([entry(256, 640, 3), entry(257, 480, 3)])), 640, 480],
  ['TIFF whose directory is at the end', tiff(200_008, Buffer.alloc(200_000), page(640, 480)), 640, 480],
  ['TIFF whose second page is larger', tiff(8, page(10, 10, 38), page(60_000, 50_000)), 60_000, 50_000],
  [
    'TIFF with a nested image',
    tiff(8, ifd([entry(256, 10), entry(257, 10), entry(330, 50)]), page(6000, 4000)),
    6000,
    4000,
  ],
  [
    'big-endian TIFF',
    join('MM\0*', be32(8), hex('0002 0100 0004 00000001 00000280 0101 0003 00000001 01e00000 00000000')),
    640,
    480,
  ],
  [
    'BigTIFF',
    join(
      'II+\0',
      le16(8, 0),
      le32(16, 0, 2, 0),
      le16(256, 4),
      le32(1, 0, 640, 0),
      le16(257, 16),
      le32(1, 0, 480, 0),
      le32(0, 0),
    ),
    640,
    480,
  ],
  ['JPEG XR', join('II\xbc\x01', le32(8), ifd([entry(0xbc80, 640), entry(0xbc81, 480)])), 640, 480],
  ['bitmap', join('BM', Buffer.alloc(12), bitmapHeader(640, -480)), 640, 480],
  ['old bitmap', join('BM', Buffer.alloc(12), le32(12), le16(640, 480, 1, 1)), 640, 480],
  ['icon', icon(bitmapHeader(16, 32)), 16, 16],
  ['icon that holds a large PNG', icon(png(60_000, 50_000)), 60_000, 50_000],
  [
    'icon of macOS that holds a large PNG',
    join('icns', be32(200), 'ic10', be32(100), png(60_000, 50_000), Buffer.alloc(200)),
    60_000,
    50_000,
  ],
  [
    'Photoshop',
    join('8BPS', hex('0001 000000000000 0003'), be32(480, 640), hex('00080003'), Buffer.alloc(30)),
    640,
    480,
  ],
  ['GIMP', join('gimp xcf v011\0', be32(640, 480), Buffer.alloc(40)), 640, 480],
  ['FLIF', join('FLIF', hex('3131 847f 835f'), Buffer.alloc(20)), 640, 480],
  ['BPG', join('BPG\xfb', hex('0000 8500 8360'), Buffer.alloc(20)), 640, 480],
  ['QOI', join('qoif', be32(640, 480), Buffer.alloc(40)), 640, 480],
  ['KTX 2', join('\xabKTX 20\xbb\r\n\x1a\n', le32(0, 1, 640, 480), Buffer.alloc(30)), 640, 480],
  ['portable pixmap', latin1('P6\n# by hand\n640 480\n255\n'), 640, 480],
  ['portable arbitrary map', latin1('P7\nWIDTH 640\nHEIGHT 480\nDEPTH 3\nENDHDR\n'), 640, 480],
  [
    'raw photograph of Fujifilm',
    join('FUJIFILMCCD-RAW 0201', Buffer.alloc(64), be32(100), Buffer.alloc(12), hex('ffd8'), jpegFrame(640, 480)),
    640,
    480,
  ],
])('reads the size of %s', async (_, bytes, width, height) => {
  for (const sample of [4100, 1]) expect((await measure(bytes, sample)).size).toEqual({ width, height })
})

test('reads a JPEG with megabytes of metadata in few requests', async () => {
  const { size, fetched } = await measure(join(hex('ffd8'), ...metadata(60), jpegFrame(6000, 4000)))
  expect(size).toEqual({ width: 6000, height: 4000 })
  expect(fetched.requests).toBeLessThan(12)
})

test.each<[string, Buffer]>([
  ['text', latin1('plain text of some length, longer than any header')],
  ['nothing', Buffer.alloc(0)],
  ['a JPEG that ends in its metadata', hex('ffd8 ffe1 ffff 00')],
  ['a PNG without a header', latin1('\x89PNG\r\n\x1a\n')],
  ['a TIFF whose directory lies outside', tiff(1_000_000)],
  ['boxes of impossible length', join(box('ftyp', 'avif', be32(0)), be32(3), 'meta')],
])('%s has no size', async (_, bytes) => {
  expect((await measure(bytes)).size).toBeUndefined()
})

const limits = { requests: 48, bytes: 8 * 1024 * 1024 }

test.each<[string, Buffer]>([
  ['a JPEG with more metadata than is read', join(hex('ffd8'), ...metadata(200), jpegFrame(60_000, 60_000))],
  [
    'a million empty boxes',
    join(box('ftyp', 'avif', be32(0)), Buffer.alloc(8_000_000, box('free')), ispe(60_000, 60_000)),
  ],
  [
    'boxes far from one another',
    join(box('ftyp', 'avif', be32(0)), ...Array.from({ length: 100 }, () => box('free', Buffer.alloc(99_000)))),
  ],
  [
    'a GIF of endless comments',
    join('GIF89a', hex('0100 0100 00 00 00'), Buffer.alloc(1_000_000, hex('21fe 01 00 00'))),
  ],
])('%s is given up, after bounded work', async (_, bytes) => {
  const { size, fetched } = await measure(bytes)
  expect(size).toBe('too-far')
  expect(fetched.requests).toBeLessThanOrEqual(limits.requests)
  expect(fetched.bytes).toBeLessThanOrEqual(limits.bytes)
})

test.each<[string, Buffer]>([
  ['a TIFF whose directories form a ring', tiff(8, page(10, 10, 38), page(10, 10, 8))],
  [
    'a TIFF of ten thousand pages',
    tiff(8, ...Array.from({ length: 10_000 }, (_, i) => page(10, 10, 8 + 30 * (i + 1)))),
  ],
  [
    'an icon of 65,535 images',
    join(hex('0000 0100 ffff'), Buffer.alloc(2_000_000, join(hex('0a0a0000 0100 2000'), le32(40, 22)))),
  ],
])('%s takes bounded work', async (_, bytes) => {
  const { size, fetched } = await measure(bytes)
  expect(size).toBeDefined()
  expect(fetched.requests).toBeLessThanOrEqual(limits.requests)
  expect(fetched.bytes).toBeLessThanOrEqual(limits.bytes)
})

test('handles random bytes after each signature', async () => {
  const starts = [
    '\x89PNG\r\n\x1a\n',
    '\xff\xd8\xff',
    'GIF89a',
    'RIFF0000WEBPVP8X',
    '0000ftypavif',
    '\0\0\0\x0cJXL \r\n\x87\n',
    '\xff\x4f\xff\x51',
  ]
  starts.push('\xff\x0a', 'II*\0', 'MM\0+', '\0\0\x01\0', 'icns', 'FUJIFILMCCD-RAW', 'FLIF', 'BM', 'P6\n', '8BPS')
  let seed = 1
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) & 0xff
  for (const start of starts) {
    for (let round = 0; round < 200; round++) {
      const bytes = join(start, Buffer.from(Array.from({ length: 4 + (random() % 200) }, random)))
      await expect(measure(bytes, 1 + (random() % 64))).resolves.toBeDefined()
    }
  }
})
