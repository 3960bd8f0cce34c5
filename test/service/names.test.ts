import { expect, test } from 'vitest'
import { parseFilename } from '../../src/service/filename.ts'
import { newSealedKey, newUploadKey } from '../../src/service/keys.ts'
import { guessType, isListed, parseMediaType } from '../../src/service/media-type.ts'
import { parseMetadata } from '../../src/service/metadata.ts'

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'

test.each([
  ['photo é.JPG', 'image/jpeg', '\\.jpg'],
  ['archive.tar.gz', 'application/gzip', '\\.gz'],
  ['no extension', 'image/png', '\\.png'],
  ['a.sh; rm -rf', 'text/plain', '\\.txt'],
  ['../../etc/passwd', 'text/plain', '\\.txt'],
  ['.htaccess', 'application/x-made-up', ''],
  ['x.toolongextension', 'application/x-made-up', ''],
])('the key of %s holds a UUID and a harmless extension', (filename, type, extension) => {
  expect(newUploadKey('private', filename, type)).toMatch(new RegExp(`^uploads/${uuid}${extension}$`))
  expect(newUploadKey('public', filename, type)).toMatch(new RegExp(`^public/${uuid}${extension}$`))
})

test('a sealed key is fresh, keeps the extension, and stays public where it was', () => {
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

test.each(['image/png', 'text/plain;charset=utf-8', 'text/plain; charset="utf-8"', 'application/vnd.a+json'])(
  '%s is a media type',
  (type) => expect(parseMediaType(` ${type} `)).toBe(type),
)

test.each(['png', 'image/', 'image/png\r\nx: y', 'image/png; x', 'a b/c', `image/${'x'.repeat(300)}`])(
  '%j is no media type',
  (type) => expect(() => parseMediaType(type)).toThrowError(expect.objectContaining({ code: 'InvalidArgument' })),
)

test('allowed types match by type, family, or all', () => {
  expect(isListed('IMAGE/png; a=b', ['image/*'])).toBe(true)
  expect(isListed('imagex/png', ['image/*'])).toBe(false)
  expect(isListed('text/html', ['text/plain'])).toBe(false)
  expect(isListed('text/html', ['*/*'])).toBe(true)
})

test('a type is guessed by the name', () => {
  expect(guessType('a.heic')).toBe('image/heic')
  expect(guessType('a')).toBe('application/octet-stream')
})

test('internal metadata is dropped, too much is refused', () => {
  expect(parseMetadata({ album: '2026', 'X-Internal-Owner': 'eve' })).toEqual({ album: '2026' })
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, '']))
  expect(() => parseMetadata(many)).toThrowError(expect.objectContaining({ code: 'MetadataTooLarge' }))
  expect(() => parseMetadata({ a: 'ü'.repeat(1024) })).toThrowError(
    expect.objectContaining({ code: 'MetadataTooLarge' }),
  )
  expect(() => parseMetadata({ 'a b': '' })).toThrowError(expect.objectContaining({ code: 'InvalidArgument' }))
})
