import { describe, expect, it } from 'vitest'
import { bodyOf, collect, freshPrefix, freshRef, put, read, codeOf, type Suite } from './suite-tools.ts'

export function keys(suite: Suite): void {
  const distinct = [
    'a b',
    'a+b',
    'a%2Fb',
    'a%b',
    'ü',
    'u\u0308',
    "!'()*~",
    'a//b',
    'A',
    'a',
    'a/b',
    'a/b/',
    'CON',
    'back\\slash',
    '...',
    '.hidden',
    'x'.repeat(255),
    '\u{1f600}',
    '\uff5e',
    '?query=1#part',
    '"quoted" <tag> & more',
  ]

  it('keeps keys apart that a file system would merge', async () => {
    const prefix = freshPrefix()
    for (const name of distinct) await put(suite, { bucket: suite.bucket, key: prefix + name }, name)
    for (const name of distinct)
      expect((await read(suite, { bucket: suite.bucket, key: prefix + name })).toString()).toBe(name)
    const page = await suite.driver.listObjects({ bucket: suite.bucket, prefix })
    expect(page.objects.map(({ key }) => key.slice(prefix.length)).toSorted()).toEqual(distinct.toSorted())
  })

  it.each(['', '.', '..', 'a/../b', '../etc/passwd', 'a/./b', 'a/..', '..\\x', 'a\u0000b', 'a\nb', 'a\u007f'])(
    'rejects the key %j everywhere',
    async (key) => {
      const ref = { bucket: suite.bucket, key }
      const { driver } = suite
      expect(await codeOf(driver.putObject(ref, bodyOf('x'), { contentLength: 1 }))).toBe('InvalidKey')
      expect(await codeOf(driver.headObject(ref))).toBe('InvalidKey')
      expect(await codeOf(driver.getObject(ref))).toBe('InvalidKey')
      expect(await codeOf(driver.deleteObject(ref))).toBe('InvalidKey')
      expect(await codeOf(driver.createMultipartUpload(ref))).toBe('InvalidKey')
      expect(await codeOf(driver.presignUpload(ref, { expiresIn: 60 }))).toBe('InvalidKey')
      expect(await codeOf(driver.presignDownload(ref, { expiresIn: 60 }))).toBe('InvalidKey')
      const source = freshRef(suite)
      await put(suite, source, 'x')
      expect(await codeOf(driver.copyObject(source, ref))).toBe('InvalidKey')
      expect(await codeOf(driver.copyObject(ref, source))).toBe('InvalidKey')
    },
  )

  it('rejects a key over 1024 bytes of UTF-8', async () => {
    const prefix = freshPrefix()
    const left = 1024 - Buffer.byteLength(prefix)
    const longest = { bucket: suite.bucket, key: prefix + 'ü'.repeat(Math.floor(left / 2)) + 'x'.repeat(left % 2) }
    await put(suite, longest, 'fits')
    expect((await read(suite, longest)).toString()).toBe('fits')
    expect(await codeOf(put(suite, { ...longest, key: `${longest.key}x` }, 'too long'))).toBe('KeyTooLong')
  })

  describe('a bucket that does not exist', () => {
    const absent = { bucket: 'no-such-bucket-here-0815', key: 'x' }

    it('is NoSuchBucket', async () => {
      const { driver } = suite
      expect(await codeOf(driver.putObject(absent, bodyOf('x'), { contentLength: 1 }))).toBe('NoSuchBucket')
      expect(await codeOf(driver.getObject(absent))).toBe('NoSuchBucket')
      expect(await codeOf(driver.listObjects({ bucket: absent.bucket }))).toBe('NoSuchBucket')
      expect(await codeOf(driver.createMultipartUpload(absent))).toBe('NoSuchBucket')
      expect(await codeOf(driver.headBucket(absent.bucket))).toBe('NoSuchBucket')
    })
  })

  it('returns the bytes of the requested key while other keys are written', async () => {
    const ref = freshRef(suite, 'a')
    await put(suite, ref, 'mine')
    await put(suite, { ...ref, key: `${ref.key}/b` }, 'below')
    await put(suite, { ...ref, key: `${ref.key}a` }, 'beside')
    expect((await collect((await suite.driver.getObject(ref)).stream())).toString()).toBe('mine')
  })
}
