import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { describeMismatch } from '../../src/service/content-type/check-type.ts'
import { recognise } from '../../src/service/content-type/recognise.ts'
import { agreement } from '../../src/service/content-type/type-agreement.ts'
import { limit } from '../fixtures/time-limit.ts'

const judge = async (type: string, bytes: Uint8Array | string) =>
  agreement(type, await recognise(Buffer.from(bytes as string)))

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const png = hex('89504e470d0a1a0a 0000000d49484452 00000001 00000001 0806000000 1f15c489 0000000a49444154')
const gif = Buffer.concat([Buffer.from('GIF89a'), hex('01000100 800000 000000 ffffff')])
const jpeg = hex('ffd8ffe000104a46494600010100000100010000')
const zip = Buffer.concat([hex('504b0304 14000000 0800'), Buffer.alloc(40)])
const mp4 = Buffer.concat([hex('00000018'), Buffer.from('ftypisom'), Buffer.alloc(40)])
const m4a = Buffer.concat([hex('00000018'), Buffer.from('ftypM4A '), Buffer.alloc(40)])
const webm = Buffer.concat([hex('1a45dfa3 9f4286810142f7810142f2810442f381084282847765626d'), Buffer.alloc(40)])
const opus = Buffer.concat([
  Buffer.from('OggS\0\x02', 'latin1'),
  Buffer.alloc(20),
  hex('01 13'),
  Buffer.from('OpusHead'),
  Buffer.alloc(40, 1),
])
const form = '------WebKitFormBoundaryx0\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nhi'
const exe = Buffer.concat([hex('4d5a9000'), Buffer.alloc(120)])
const ole = Buffer.concat([hex('d0cf11e0a1b11ae1'), Buffer.alloc(520)])

test.each<[string, string, Uint8Array | string]>([
  ['a PNG', 'image/png', png],
  ['a type in capitals, with a parameter', 'Image/PNG; q=1', png],
  ['an alias', 'image/jpg', jpeg],
  ['sound in an MP4 container', 'audio/mp4', mp4],
  ['an iPhone recording', 'audio/x-m4a', mp4],
  ['a film in an M4A container', 'video/mp4', m4a],
  ['a voice message', 'audio/webm', webm],
  ['Matroska', 'video/x-matroska', webm],
  ['a Word document', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', zip],
  ['an EPUB', 'application/epub+zip', zip],
  ['a zip, as Windows calls it', 'application/x-zip-compressed', zip],
  ['an old Excel sheet', 'application/vnd.ms-excel', ole],
  ['plain text', 'text/plain', 'Grüße, 世界\n'],
  ['text that begins like a bitmap', 'text/plain', 'BMW is a car maker'],
  ['text that begins like a program', 'text/csv', 'MZ;1;2\n'],
  ['HTML as plain text', 'text/plain', '<html><script>1</script>'],
  ['UTF-16 with its mark', 'text/csv', Buffer.from('\uFEFFa;b\n', 'utf16le')],
  ['JSON', 'application/json', '{"a":1}'],
  ['an SVG as one', 'image/svg+xml', '<?xml version="1.0"?>\n<!-- x -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'],
  ['anything as bytes', 'application/octet-stream', '<html>'],
  ['nothing as text', 'text/plain', ''],
  [
    'a TIFF whose directory is at its end',
    'image/tiff',
    Buffer.concat([hex('49492a00 00000100'), Buffer.alloc(4092, 1)]),
  ],
  [
    'a DNG whose directory is at its end',
    'image/dng',
    Buffer.concat([hex('4d4d002a 00010000'), Buffer.alloc(4092, 1)]),
  ],
  ['Ogg Opus', 'audio/ogg', opus],
  ['Ogg Opus by its own name', 'audio/opus', opus],
  ['a form as text', 'text/plain', form],
  ['Monkey’s Audio', 'audio/x-ape', Buffer.concat([Buffer.from('MAC '), Buffer.alloc(60, 1)])],
  ['WavPack', 'audio/x-wavpack', Buffer.concat([Buffer.from('wvpk'), Buffer.alloc(60, 1)])],
  [
    'a Fujifilm raw image',
    'image/x-fuji-raf',
    Buffer.concat([Buffer.from('FUJIFILMCCD-RAW 0201'), Buffer.alloc(60, 1)]),
  ],
  ['icons of macOS', 'image/x-icns', Buffer.concat([Buffer.from('icns'), Buffer.alloc(60, 1)])],
  ['Flash video in MP4', 'video/x-f4v', Buffer.concat([hex('00000018'), Buffer.from('ftypF4V '), Buffer.alloc(40)])],
  ['AIFC', 'audio/x-aifc', Buffer.concat([Buffer.from('FORM\0\0\0\x40AIFC', 'latin1'), Buffer.alloc(60, 1)])],
  ['a narrow-band recording', 'audio/amr-nb', Buffer.concat([Buffer.from('#!AMR\n'), Buffer.alloc(60, 1)])],
  [
    'sound of more than 4 GiB',
    'audio/wav',
    Buffer.concat([Buffer.from('RF64\xff\xff\xff\xffWAVEds64', 'latin1'), Buffer.alloc(60)]),
  ],
  [
    'a FLAC behind a long ID3 tag',
    'audio/flac',
    Buffer.concat([Buffer.from('ID3'), hex('04000000 007f7f'), Buffer.alloc(4100)]),
  ],
])('%s is what it says', async (_, type, bytes) => {
  expect(await judge(type, bytes)).toBe('agrees')
})

test.each<[string, string, Uint8Array | string]>([
  ['HTML as PNG', 'image/png', '<!DOCTYPE html><html><script>alert(1)</script>'],
  ['HTML after spaces, a mark and a comment', 'image/png', '\uFEFF \n<!-- x --><ScRiPt>alert(1)</script>'],
  ['an unfinished comment', 'image/gif', '<!-- <script>alert(1)</script>'],
  ['HTML in UTF-16', 'image/jpeg', Buffer.from('\uFEFF<html><body>', 'utf16le')],
  ['SVG as PNG', 'image/png', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
  [
    'SVG behind a DOCTYPE',
    'image/webp',
    '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x"><svg/>',
  ],
  ['SVG with a namespace prefix', 'image/png', '<x:svg xmlns:x="http://www.w3.org/2000/svg"/>'],
  ['HTML as SVG', 'image/svg+xml', '<html>'],
  ['HTML as PDF', 'application/pdf', '<html>'],
  ['HTML as JSON', 'application/json', '<html>'],
  ['XML as a video', 'video/mp4', '<?xml version="1.0"?><a/>'],
  ['a zip as PNG', 'image/png', zip],
  ['a GIF as PNG', 'image/png', gif],
  ['a PNG as a video', 'video/mp4', png],
  ['a program as PNG', 'image/png', exe],
  ['a program as text', 'text/plain', exe],
  ['a PNG as text', 'text/plain', png],
  ['a PDF as text', 'text/plain', '%PDF-1.7\n1 0 obj'],
  ['a PDF as PNG', 'image/png', '%PDF-1.7\n1 0 obj'],
  ['a PDF behind a GIF header', 'image/gif', Buffer.concat([gif, Buffer.from('%PDF-1.4')])],
  ['an old document as a new one', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', ole],
  ['a film as sound of another kind', 'audio/ogg', mp4],
  ['an image of an unknown kind that is a zip', 'image/x-made-up', zip],
  ['a form as PNG', 'image/png', form],
  ['a form as sound without a signature', 'audio/mpeg', form],
  ['a data URL as PDF', 'application/pdf', `data:image/png;base64,${png.toString('base64')}`],
  ['an object turned into a string as a film', 'video/quicktime', '[object Object]'],
  ['a missing file as tar', 'application/x-tar', 'undefined'],
])('%s is refused', async (_, type, bytes) => {
  expect(await judge(type, bytes)).toBe('contradicts')
})

test.each<[string, string, Uint8Array | string]>([
  ['a format of its own that begins like another', 'application/x-made-up', zip],
  [
    'a TGA, which begins like a cursor',
    'image/x-tga',
    Buffer.concat([hex('0000 02'), Buffer.alloc(9), hex('40013000 1800')]),
  ],
  ['sound without a signature', 'audio/mpeg', hex('00112233')],
  ['a film that begins with an old atom', 'video/quicktime', Buffer.concat([hex('00000008'), Buffer.from('skip')])],
  ['a playlist', 'audio/x-mpegurl', '#EXTM3U\n'],
  ['a playlist of Apple', 'application/vnd.apple.mpegurl', '#EXTM3U\n'],
  ['a bitmap in letters', 'image/x-xbitmap', '#define a_width 8\n'],
  ['an old workbook that is HTML inside', 'application/vnd.ms-excel', 'a\tb\n'],
])('%s is neither proved nor refused', async (_, type, bytes) => {
  expect(await judge(type, bytes)).toBe('unknown')
})

test.each<[string, string, Uint8Array | string]>([
  ['two letters as PNG', 'image/png', 'hi'],
  ['four bytes as PNG', 'image/png', Buffer.from([1, 2, 3, 4])],
  ['nothing as PNG', 'image/png', ''],
  ['nothing as sound', 'audio/mpeg', ''],
  ['a two-byte signature in noise', 'video/mp4', hex('fffb9064 00112233')],
  ['text as JPEG', 'image/jpg', 'a photograph'],
  ['text as a Word document', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'Dear Sir'],
  ['noise as gzip', 'application/x-gzip', Buffer.alloc(64, 7)],
  ['JSON as WebP', 'image/webp', '{"data":[1,2]}'],
  ['base64 as JPEG', 'image/jpeg', Buffer.alloc(90, jpeg).toString('base64')],
  ['text as sound without a signature', 'audio/mpeg', 'la la la'],
  ['text as an image of an unknown kind', 'image/x-made-up', 'a drawing'],
  ['text as tar', 'application/x-tar', 'a\nb\n'],
])('%s lacks what every such file has', async (_, type, bytes) => {
  expect(await judge(type, bytes)).toBe('missing')
})

test.each([
  ['image/png', form, /multipart form.*Send the bare file/],
  ['image/png', 'data:image/png;base64,iVBORw0KGgo=', /data URL/],
  ['image/png', '[object File]', /Send the File or Blob as the body/],
  ['image/png', Buffer.alloc(90, jpeg).toString('base64'), /base64/],
  ['image/png', '{"file":{}}', /JSON/],
  ['image/png', 'hi', /its bytes are text/],
  ['image/png', '', /empty \(0 bytes\)/],
  ['image/png', gif, /its bytes are image\/gif/],
  ['image/png', Buffer.from([1, 2, 3]), /do not start like a file of that type/],
  ['text/plain', Buffer.from([1, 2, 3]), /binary data/],
])('the refusal of %s names the usual cause', async (type, bytes, words) => {
  expect(describeMismatch(type, await recognise(Buffer.from(bytes as string)))).toMatch(words)
})

test.each<[string, Uint8Array]>([
  ['a 55-byte ASF with endless objects', Buffer.concat([hex('3026b2758e66cf11a6d900aa0062ce6c'), Buffer.alloc(39)])],
  [
    'a zip whose entries claim 4 GiB',
    Buffer.concat([hex('504b03041400000008000000000000000000ffffffffffffffff0800'), Buffer.alloc(4072)]),
  ],
  ['a gzip of zeros', gzipSync(Buffer.alloc(64 * 1024 * 1024))],
  ['nested EBML', Buffer.alloc(4100, hex('1a45dfa3'))],
  ['an ID3 tag without end', Buffer.concat([Buffer.from('ID3'), hex('0400007f7f7f7f'), Buffer.alloc(4000)])],
  ['a TIFF whose directories form a ring', Buffer.concat([hex('49492a0008000000 ffff'), Buffer.alloc(4080, 8)])],
  ['PNG chunks of no length', Buffer.concat([png.subarray(0, 33), Buffer.alloc(4000)])],
  ['an MP4 of empty boxes', Buffer.alloc(4100, hex('0000000866747970'))],
  ['four thousand opening brackets', Buffer.alloc(4100, '<')],
  ['four thousand comments', Buffer.alloc(4100, '<!---->')],
  ['an endless DOCTYPE', Buffer.concat([Buffer.from('<!doctype x ['), Buffer.alloc(4080, ' ]')])],
  ['four thousand spaces', Buffer.alloc(4100, ' \n')],
])('%s takes bounded work', { timeout: limit(5_000) }, async (_, bytes) => {
  await expect(recognise(bytes)).resolves.toBeDefined()
})
