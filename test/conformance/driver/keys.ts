import { describe, expect, it } from 'vitest'
import { bodyOf, collect, freshPrefix, freshRef, put, read, refuses, type Suite } from './suite-tools.ts'

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

  it('keeps keys apart that a file system would not', async () => {
    const prefix = freshPrefix()
    for (const name of distinct) await put(suite, { bucket: suite.bucket, key: prefix + name }, name)
    for (const name of distinct)
      expect((await read(suite, { bucket: suite.bucket, key: prefix + name })).toString()).toBe(name)
    const page = await suite.driver.listObjects({ bucket: suite.bucket, prefix })
    expect(page.objects.map(({ key }) => key.slice(prefix.length)).toSorted()).toEqual(distinct.toSorted())
  })

  it.each(['', '.', '..', 'a/../b', '../etc/passwd', 'a/./b', 'a/..', '..\\x', 'a\u0000b', 'a\nb', 'a\u007f'])(
    'refuses the key %j everywhere',
    async (key) => {
      const ref = { bucket: suite.bucket, key }
      const { driver } = suite
      await refuses(driver.putObject(ref, bodyOf('x'), { contentLength: 1 }), 'InvalidKey')
      await refuses(driver.headObject(ref), 'InvalidKey')
      await refuses(driver.getObject(ref), 'InvalidKey')
      await refuses(driver.deleteObject(ref), 'InvalidKey')
      await refuses(driver.createMultipartUpload(ref), 'InvalidKey')
      await refuses(driver.presignUpload(ref, { expiresIn: 60 }), 'InvalidKey')
      await refuses(driver.presignDownload(ref, { expiresIn: 60 }), 'InvalidKey')
      const source = freshRef(suite)
      await put(suite, source, 'x')
      await refuses(driver.copyObject(source, ref), 'InvalidKey')
      await refuses(driver.copyObject(ref, source), 'InvalidKey')
    },
  )

  it('refuses a key over 1024 bytes of UTF-8', async () => {
    const prefix = freshPrefix()
    const left = 1024 - Buffer.byteLength(prefix)
    const longest = { bucket: suite.bucket, key: prefix + 'ü'.repeat(Math.floor(left / 2)) + 'x'.repeat(left % 2) }
    await put(suite, longest, 'fits')
    expect((await read(suite, longest)).toString()).toBe('fits')
    await refuses(put(suite, { ...longest, key: `${longest.key}x` }, 'too long'), 'KeyTooLong')
  })

  describe('a bucket that does not exist', () => {
    const absent = { bucket: 'no-such-bucket-here-0815', key: 'x' }

    it('is NoSuchBucket', async () => {
      const { driver } = suite
      await refuses(driver.putObject(absent, bodyOf('x'), { contentLength: 1 }), 'NoSuchBucket')
      await refuses(driver.getObject(absent), 'NoSuchBucket')
      await refuses(driver.listObjects({ bucket: absent.bucket }), 'NoSuchBucket')
      await refuses(driver.createMultipartUpload(absent), 'NoSuchBucket')
      await refuses(driver.headBucket(absent.bucket), 'NoSuchBucket')
    })
  })

  it('hands out the bytes of the key that was asked for, whatever is written beside it', async () => {
    const ref = freshRef(suite, 'a')
    await put(suite, ref, 'mine')
    await put(suite, { ...ref, key: `${ref.key}/b` }, 'below')
    await put(suite, { ...ref, key: `${ref.key}a` }, 'beside')
    expect((await collect((await suite.driver.getObject(ref)).stream())).toString()).toBe('mine')
  })
}
