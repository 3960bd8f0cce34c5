import { createHash } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { base64, bodyOf, bytesOf, freshRef, isThere, MiB, put, read, codeOf, type Suite } from './suite-tools.ts'

/** What a body was announced to be is verified before anything becomes visible. */
export function bodies(suite: Suite): void {
  describe.each([5, 700_001])('a body of %d bytes', (size) => {
    const data = bytesOf(size)
    const other = bytesOf(size)

    it('is stored if length and digests match', async () => {
      const ref = freshRef(suite)
      await put(suite, ref, data, {
        contentLength: size,
        md5: base64('md5', data),
        payloadSha256: createHash('sha256').update(data).digest('hex'),
        checksum: { algorithm: 'sha256', value: base64('sha256', data) },
      })
      expect((await read(suite, ref)).equals(data)).toBe(true)
    })

    it.each([
      ['BadDigest', { md5: base64('md5', other) }],
      ['InvalidDigest', { md5: 'not base64!' }],
      ['InvalidDigest', { md5: Buffer.alloc(15).toString('base64') }],
      ['PayloadHashMismatch', { payloadSha256: createHash('sha256').update(other).digest('hex') }],
      ['BadDigest', { checksum: { algorithm: 'sha256', value: base64('sha256', other) } }],
      ['BadDigest', { checksum: { algorithm: 'crc32', value: 'AAAAAA==' } }],
      ['InvalidRequest', { checksum: { algorithm: 'sha256', value: 'c2hvcnQ=' } }],
    ] as const)('is refused as %s when announced as %j', async (code, announced) => {
      const ref = freshRef(suite)
      await put(suite, ref, 'what was there')
      expect(await codeOf(put(suite, ref, data, announced))).toBe(code)
      expect((await read(suite, ref)).toString()).toBe('what was there')
    })

    it.each([1, -1])('is IncompleteBody if its length is off by %d', async (off) => {
      const ref = freshRef(suite)
      expect(await codeOf(put(suite, ref, data, { contentLength: size + off }))).toBe('IncompleteBody')
      expect(await isThere(suite, ref)).toBe(false)
    })

    it('is EntityTooLarge over maxBytes, declared or not', async () => {
      const ref = freshRef(suite)
      expect(await codeOf(put(suite, ref, data, { maxBytes: size - 1 }))).toBe('EntityTooLarge')
      expect(await codeOf(suite.driver.putObject(ref, bodyOf(data), { maxBytes: size - 1 }))).toBe('EntityTooLarge')
      expect(await isThere(suite, ref)).toBe(false)
      await put(suite, ref, data, { maxBytes: size })
    })

    it('can have an unknown length', async () => {
      const ref = freshRef(suite)
      await suite.driver.putObject(ref, bodyOf(data))
      expect((await read(suite, ref)).equals(data)).toBe(true)
    })

    it('that breaks off leaves nothing', async () => {
      const ref = freshRef(suite)
      const body = new PassThrough()
      const writing = suite.driver.putObject(ref, body, { contentLength: size + 10 })
      body.write(data)
      setTimeout(() => body.destroy(), 20)
      expect(await codeOf(writing)).toBe('IncompleteBody')
      expect(await isThere(suite, ref)).toBe(false)
      expect(suite.driver.isBeingWritten(ref)).toBe(false)
    })

    it('that fails passes on its own error', async () => {
      const ref = freshRef(suite)
      const failing = Readable.from(
        (async function* () {
          yield data
          throw new RangeError('the decoder found a bad chunk')
        })(),
      )
      const error: unknown = await suite.driver
        .putObject(ref, failing, { contentLength: size * 2 })
        .catch((e: unknown) => e)
      const chain = error instanceof Error ? [error.message, String(error.cause)] : []
      expect(chain.join()).toContain('the decoder found a bad chunk')
      expect(await isThere(suite, ref)).toBe(false)
    })
  })

  it('is abandoned when the signal is aborted', async () => {
    const ref = freshRef(suite)
    const abort = new AbortController()
    const body = new PassThrough()
    const writing = suite.driver.putObject(ref, body, { contentLength: MiB, signal: abort.signal })
    body.write(bytesOf(1000))
    setTimeout(() => abort.abort(new Error('enough')), 20)
    await expect(writing).rejects.toThrow(Error)
    expect(body.destroyed).toBe(true)
    expect(await isThere(suite, ref)).toBe(false)
  })

  it('rejects a declared length over maxPutSize', async () => {
    const ref = freshRef(suite)
    const contentLength = suite.driver.limits.maxPutSize + 1
    expect(await codeOf(suite.driver.putObject(ref, bodyOf('x'), { contentLength }))).toBe('EntityTooLarge')
  })

  it('rejects more than 2 KB of metadata and more than 10 tags', async () => {
    const ref = freshRef(suite)
    expect(await codeOf(put(suite, ref, 'x', { metadata: { a: 'x'.repeat(2048) } }))).toBe('MetadataTooLarge')
    await put(suite, ref, 'x', { metadata: { a: 'x'.repeat(2000) } })
    const tags = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`t${i}`, 'v']))
    expect(await codeOf(put(suite, ref, 'x', { tags }))).toBe('InvalidTag')
    expect(await codeOf(suite.driver.putObjectTags(ref, { a: 'x'.repeat(257) }))).toBe('InvalidTag')
  })
}
