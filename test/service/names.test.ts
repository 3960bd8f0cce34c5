import { expect, test } from 'vitest'
import { parseFilename, parseMetadata } from '../../src/service/files/file-fields.ts'
import { newSealedKey, newUploadKey } from '../../src/service/uploads/object-keys.ts'
import { essenceOf } from '../../src/media-type.ts'
import { guessType, isListed, parseMediaType, typeOf } from '../../src/service/content-type/declared-type.ts'

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'

test.each([
  ['photo é.JPG', 'image/jpeg', '\\.jpg'],
  ['archive.tar.gz', 'application/gzip', '\\.gz'],
  ['no extension', 'image/png', '\\.png'],
  ['a.sh; rm -rf', 'text/plain', '\\.txt'],
  ['../../etc/passwd', 'text/plain', '\\.txt'],
  ['.htaccess', 'application/x-made-up', ''],
  ['x.toolongextension', 'application/x-made-up', ''],
  ['notes.made9up', 'application/x-made-up', '\\.made9up'],
  ['photo.jpeg', 'image/jpg', '\\.jpeg'],
  ['voice.m4a', 'audio/x-m4a', '\\.m4a'],
  ['film.mkv', 'video/x-matroska', '\\.mkv'],
  ['clip.webm', 'video/webm;codecs=vp9,opus', '\\.webm'],
  ['page.html', 'text/plain', '\\.txt'],
  ['shell.php', 'image/png', '\\.png'],
  ['shell.phtml', 'image/png', '\\.png'],
  ['photo.png', 'image/jpeg', '\\.jpg'],
  ['page.html', 'application/x-made-up', ''],
])('the key of %s holds a UUID and a harmless extension', (filename, type, extension) => {
  expect(newUploadKey('private', filename, type)).toMatch(new RegExp(`^uploads/${uuid}${extension}$`))
  expect(newUploadKey('public', filename, type)).toMatch(new RegExp(`^public/${uuid}${extension}$`))
})

test('a sealed key is unused, keeps the extension, and stays public', () => {
  expect(newSealedKey('uploads/x.jpg')).toMatch(new RegExp(`^files/${uuid}\\.jpg$`))
  expect(newSealedKey('public/x')).toMatch(new RegExp(`^public/${uuid}$`))
})

test.each(["naïve 😀 (1)'*!~ %2F.txt", 'عربي.pdf', 'x'.repeat(255), '.env', 'a..b'])('%s is kept as it is', (name) => {
  expect(parseFilename(name)).toBe(name)
})

test.each([
  ['/home/me/photo.jpg', 'photo.jpg'],
  ['C:\\fakepath\\photo.jpg', 'photo.jpg'],
  ['../../etc/passwd', 'passwd'],
])('%s loses its path', (given, kept) => {
  expect(parseFilename(given)).toBe(kept)
})

test.each(['', '  ', '..', 'a/', 'x'.repeat(256), 'a\0b', 'a\r\nb', '\ud800'])('filename %j is refused', (name) => {
  expect(() => parseFilename(name)).toThrowError(expect.objectContaining({ code: 'InvalidArgument' }))
})

test.each([
  'image/png',
  'text/plain;charset=utf-8',
  'text/plain; charset="utf-8"',
  'application/vnd.a+json',
  'image/png; x',
  'video/webm;',
  'text/plain; charset=utf-8;',
  'video/webm;codecs=vp9,opus',
  'video/mp4;codecs=avc1.64001f,mp4a.40.2',
  'video/webm; codecs="vp8, opus"',
])('%s is a media type, and is kept as the client sends it', (type) => expect(parseMediaType(` ${type} `)).toBe(type))

test.each([
  'png',
  'image/',
  'image/*',
  '*/*',
  'image/png\r\nx: y',
  'a b/c',
  `image/${'x'.repeat(300)}`,
  'image/png, text/html',
  // A browser takes the last type of a list.
  'image/png;a=b,text/html',
  'text/plain;a=b , text/html;c=d',
  'text/plain;a="b",image/svg+xml',
])('%j is no media type', (type) =>
  expect(() => parseMediaType(type)).toThrowError(expect.objectContaining({ code: 'InvalidArgument' })),
)

test('allowed types match by type, family, or all', () => {
  expect(isListed('IMAGE/png; a=b', ['image/*'])).toBe(true)
  expect(isListed('imagex/png', ['image/*'])).toBe(false)
  expect(isListed('text/html', ['text/plain'])).toBe(false)
  expect(isListed('text/html', ['*/*'])).toBe(true)
})

test.each([
  ['application/x-zip-compressed', 'application/zip'],
  ['image/jpg', 'image/jpeg'],
  ['audio/mp3', 'audio/mpeg'],
  ['audio/x-wav', 'audio/wav'],
  ['audio/x-m4a', 'audio/mp4'],
  ['application/x-gzip', 'application/gzip'],
  ['audio/x-aifc', 'audio/aiff'],
  ['video/x-f4v', 'video/mp4'],
])('%s is allowed where %s is, and the other way round', (one, other) => {
  expect(isListed(one, [other])).toBe(true)
  expect(isListed(`${other}; a=b`, [one.toUpperCase()])).toBe(true)
})

test('formats that share a container are allowed one by one', () => {
  expect(isListed('video/mp4', ['audio/mp4'])).toBe(false)
  expect(isListed('application/x-msi', ['application/msword'])).toBe(false)
  expect(isListed('application/java-archive', ['application/zip'])).toBe(false)
})

test.each([
  [undefined, 'a.png', { mimeType: 'image/png', declared: false }],
  ['', 'a.png', { mimeType: 'image/png', declared: false }],
  ['application/octet-stream', 'a.png', { mimeType: 'image/png', declared: false }],
  ['application/octet-stream', 'blob', { mimeType: 'application/octet-stream', declared: true }],
  ['application/vnd.ms-excel', 'a.CSV', { mimeType: 'text/csv', declared: false }],
  ['application/vnd.ms-excel', 'a.xls', { mimeType: 'application/vnd.ms-excel', declared: true }],
  ['text/plain', 'a.png', { mimeType: 'text/plain', declared: true }],
])('the type %j of a file named %s', (declared, filename, type) => {
  expect(typeOf(declared, filename)).toEqual(type)
})

test('reads a header like browsers', () => {
  expect(essenceOf('Image/PNG; a="b,text/html"')).toBe('image/png')
  expect(essenceOf('image/png;a=b,text/html')).toBe('text/html')
  expect(essenceOf('video/webm;codecs=vp9,opus')).toBe('video/webm')
  expect(essenceOf('png')).toBe('')
  expect(essenceOf('"'.repeat(16_000))).toBe('')
})

test('guesses a type by the name', () => {
  expect(guessType('a.heic')).toBe('image/heic')
  for (const name of ['a', 'h', 'png', '.h']) expect(guessType(name)).toBe('application/octet-stream')
})

test('drops internal metadata, and refuses too much', () => {
  expect(parseMetadata({ album: '2026', 'X-Internal-Owner': 'eve' })).toEqual({ album: '2026' })
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, '']))
  expect(() => parseMetadata(many)).toThrowError(expect.objectContaining({ code: 'MetadataTooLarge' }))
  expect(() => parseMetadata({ a: 'ü'.repeat(1024) })).toThrowError(
    expect.objectContaining({ code: 'MetadataTooLarge' }),
  )
  expect(() => parseMetadata({ 'a b': '' })).toThrowError(expect.objectContaining({ code: 'InvalidArgument' }))
})
