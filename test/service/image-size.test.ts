import { expect, test } from 'vitest'
import { imageSize, isBomb } from '../../src/service/image-size.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const u32 = (n: number) => n.toString(16).padStart(8, '0')
const riff = (chunk: string, rest: string) =>
  Buffer.concat([
    Buffer.from('RIFF\0\0\0\0WEBP', 'latin1'),
    Buffer.from(chunk),
    hex('00000000'),
    hex(rest),
    Buffer.alloc(20),
  ])

const png = (width: number, height: number) =>
  hex(`89504e470d0a1a0a 0000000d 49484452 ${u32(width)} ${u32(height)} 0806000000`)

test.each([
  ['PNG', png(60_000, 60_000), { width: 60_000, height: 60_000 }],
  ['GIF', Buffer.concat([Buffer.from('GIF89a'), hex('ffff 60ea 00 00 00')]), { width: 65_535, height: 60_000 }],
  ['JPEG', hex('ffd8 ffe0 0004 0000 ff ffc2 0011 08 ea60 fa00 03 00000000'), { width: 64_000, height: 60_000 }],
  ['extended WebP', riff('VP8X', '00000000 ffffff 000000'), { width: 16_777_216, height: 1 }],
  ['lossy WebP', riff('VP8 ', '000000 9d012a 8002 e001'), { width: 640, height: 480 }],
  ['lossless WebP', riff('VP8L', '2f 7fc27700'), { width: 640, height: 480 }],
])('%s', (_, bytes, size) => {
  expect(imageSize(bytes)).toEqual(size)
})

test('a JPEG whose metadata is longer than the sample asks for more', () => {
  expect(imageSize(Buffer.concat([hex('ffd8 ffe1 ffff'), Buffer.alloc(4000)]))).toBe('more')
})

test('what is no image has no size', () => {
  expect(imageSize(Buffer.from('plain text of some length, longer than any header'))).toBeUndefined()
  expect(imageSize(Buffer.alloc(0))).toBeUndefined()
  expect(imageSize(hex('ffd8ff'))).toBe('more')
})

test('a side of 60,000 pixels is too long', () => {
  expect(isBomb({ width: 60_000, height: 1 })).toBe(true)
  expect(isBomb({ width: 1, height: 60_000 })).toBe(true)
  expect(isBomb({ width: 59_999, height: 59_999 })).toBe(false)
})
