/* oxlint-disable vitest/no-conditional-expect -- where stores differ, what each does instead is asserted too */
import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Checksum, ObjectRef } from '../../../src/drivers/driver.ts'
import {
  base64,
  bodyOf,
  bytesOf,
  freshRef,
  md5,
  partSize,
  put,
  read,
  codeOf,
  type Suite,
  itUnless,
} from './suite-tools.ts'

type Part = { partNumber: number; etag: string; checksum?: Checksum }

export function multipartCompletion(suite: Suite): void {
  const chunks = [bytesOf(partSize + 3), bytesOf(partSize), bytesOf(17)]
  const whole = Buffer.concat(chunks)
  const joinedEtag = `${createHash('md5').update(chunks.map(md5).join(''), 'hex').digest('hex')}-3`

  async function begin(o: Parameters<typeof suite.driver.createMultipartUpload>[1] = {}, bytes = chunks) {
    const ref = freshRef(suite)
    const { uploadId } = await suite.driver.createMultipartUpload(ref, o)
    const parts = await Promise.all(bytes.map((data, i) => send(ref, uploadId, i + 1, data, o)))
    return { ref, uploadId, parts }
  }

  async function send(ref: ObjectRef, uploadId: string, partNumber: number, data: Buffer, o = {}): Promise<Part> {
    const algorithm = (o as { checksumAlgorithm?: Checksum['algorithm'] }).checksumAlgorithm
    const expectation = { contentLength: data.length, ...(algorithm && { checksum: { algorithm } }) }
    const { etag, checksum } = await suite.driver.uploadPart(ref, uploadId, partNumber, bodyOf(data), expectation)
    return { partNumber, etag, ...(checksum && { checksum }) }
  }

  describe('an object made of parts', () => {
    let made: Awaited<ReturnType<typeof begin>>
    beforeAll(async () => {
      const headers = { contentType: 'video/mp4', metadata: { m: '1' } }
      made = await begin(suite.differs('no-multipart-tags') ? headers : { ...headers, tags: { t: 'v' } })
      const written = await suite.driver.completeMultipartUpload(made.ref, made.uploadId, made.parts)
      expect(written).toMatchObject({ etag: joinedEtag, contentLength: whole.length })
    }, 60_000)

    it('reads back as one, with its headers', async () => {
      expect((await read(suite, made.ref)).equals(whole)).toBe(true)
      const head = await suite.driver.headObject(made.ref)
      expect(head).toMatchObject({
        etag: joinedEtag,
        contentType: 'video/mp4',
        metadata: { m: '1' },
        contentLength: whole.length,
      })
      const untagged = suite.differs('no-multipart-tags')
      expect(await suite.driver.getObjectTags(made.ref)).toEqual(untagged ? {} : { t: 'v' })
      const tagging = suite.driver.createMultipartUpload(freshRef(suite), { tags: { t: 'v' } })
      expect(await codeOf(tagging)).toBe(untagged ? 'NotSupported' : 'ok')
    })

    it('lists its parts, page by page', async () => {
      const list = (o = {}) => suite.driver.listObjectParts(made.ref, o)
      if (suite.differs('no-part-lists')) return expect(await codeOf(list())).toBe('NotSupported')
      const sizes = chunks.map((data, i) => ({ partNumber: i + 1, contentLength: data.length }))
      expect(await list()).toEqual({ parts: sizes, isTruncated: false })
      expect(await list({ maxParts: 2 })).toEqual({ parts: sizes.slice(0, 2), isTruncated: true })
      expect(await list({ partNumberMarker: 2 })).toEqual({ parts: sizes.slice(2), isTruncated: false })
      const single = freshRef(suite)
      await put(suite, single, 'not in parts')
      expect(await suite.driver.listObjectParts(single)).toEqual({ parts: [], isTruncated: false })
      expect(await codeOf(suite.driver.listObjectParts(freshRef(suite)))).toBe('NotFound')
    })

    it.each([
      [0, 10],
      [partSize, partSize + 5],
      [partSize + 2, partSize * 2 + 4],
      [partSize * 2 + 3, partSize * 2 + 19],
      [100, partSize * 2 + 10],
    ])('serves the range %d-%d across its parts', async (start, end) => {
      expect((await read(suite, made.ref, { range: { start, end } })).equals(whole.subarray(start, end + 1))).toBe(true)
    })

    itUnless(suite, 'no-part-reads')('serves its parts', async () => {
      expect((await suite.driver.headObject(made.ref, { partNumber: 1 })).partCount).toBe(3)
      for (const [i, data] of chunks.entries())
        expect((await read(suite, made.ref, { partNumber: i + 1 })).equals(data)).toBe(true)
      expect(await codeOf(suite.driver.getObject(made.ref, { partNumber: 4 }))).toBe('InvalidRange')
    })

    it('is listed, copied and deleted as any other', async () => {
      const target = freshRef(suite)
      const page = await suite.driver.listObjects({ bucket: suite.bucket, prefix: made.ref.key })
      expect(page.objects).toMatchObject([{ key: made.ref.key, etag: joinedEtag, contentLength: whole.length }])
      const copied = await suite.driver.copyObject(made.ref, target)
      if (!suite.differs('copy-joins-parts')) expect(copied.etag).toBe(joinedEtag)
      await suite.driver.deleteObject(target)
      await suite.driver.sweep()
      expect((await read(suite, made.ref)).equals(whole)).toBe(true)
    })

    it('repeats the result of the same completion, and rejects a different one', async () => {
      const again = suite.driver.completeMultipartUpload(made.ref, made.uploadId, made.parts)
      if (suite.differs('complete-once')) return expect(await codeOf(again)).toBe('NoSuchUpload')
      expect(await again).toMatchObject({ etag: joinedEtag, contentLength: whole.length })
      const quoted = made.parts.map((part) => ({ ...part, etag: `"${part.etag}"` }))
      expect((await suite.driver.completeMultipartUpload(made.ref, made.uploadId, quoted)).etag).toBe(joinedEtag)
      expect(await codeOf(suite.driver.completeMultipartUpload(made.ref, made.uploadId, made.parts.slice(1)))).toBe(
        'NoSuchUpload',
      )
      expect(await codeOf(suite.driver.abortMultipartUpload(made.ref, made.uploadId))).toBe('NoSuchUpload')
    })
  })

  describe('is refused', () => {
    let open: Awaited<ReturnType<typeof begin>>
    beforeAll(async () => {
      open = await begin({}, [bytesOf(partSize), bytesOf(10), bytesOf(20)])
    }, 60_000)
    const complete = (parts: Part[], o = {}) => suite.driver.completeMultipartUpload(open.ref, open.uploadId, parts, o)

    it('for parts out of order, duplicate, missing or with another etag', async () => {
      const [first, second] = open.parts as [Part, Part, Part]
      expect(await codeOf(complete([second, first]))).toBe('InvalidPartOrder')
      expect(await codeOf(complete([first, first]))).toBe('InvalidPartOrder')
      expect(await codeOf(complete([first, { ...second, partNumber: 9 }]))).toBe('InvalidPart')
      expect(await codeOf(complete([{ ...first, etag: second.etag }]))).toBe('InvalidPart')
      expect(await codeOf(complete([]))).toBe('InvalidRequest')
    })

    it('for a small part that is not the last', async () => {
      expect(await codeOf(complete(open.parts))).toBe('EntityTooSmall')
    })

    it('for a size other than the declared one', async () => {
      expect(await codeOf(complete(open.parts.slice(0, 2), { contentLength: partSize + 11 }))).toBe('InvalidRequest')
    })

    it('and can be retried with fewer parts', async () => {
      const again = complete(open.parts.slice(0, 2), { contentLength: partSize + 10 })
      if (suite.differs('complete-all-parts')) expect(await codeOf(again)).toBe('InvalidPart')
      else expect((await again).contentLength).toBe(partSize + 10)
    })
  })

  it('accepts part numbers with gaps, and uses the last bytes sent for a number', async () => {
    const ref = freshRef(suite)
    const { uploadId } = await suite.driver.createMultipartUpload(ref)
    await send(ref, uploadId, 2, chunks[1]!)
    const first = await send(ref, uploadId, 2, chunks[0]!)
    const last = await send(ref, uploadId, 10_000, chunks[2]!)
    await suite.driver.completeMultipartUpload(ref, uploadId, [first, last])
    expect((await read(suite, ref)).equals(Buffer.concat([chunks[0]!, chunks[2]!]))).toBe(true)
  })

  it('accepts a single small or empty part', async () => {
    for (const data of [bytesOf(3), Buffer.alloc(0)]) {
      const { ref, uploadId, parts } = await begin({}, [data])
      await suite.driver.completeMultipartUpload(ref, uploadId, parts)
      expect((await read(suite, ref)).equals(data)).toBe(true)
    }
  })

  describe('conditions', () => {
    it('If-None-Match: * never replaces, and one of two completions wins', async () => {
      const ref = freshRef(suite)
      const prepare = async (text: string) => {
        const { uploadId } = await suite.driver.createMultipartUpload(ref)
        return { uploadId, parts: [await send(ref, uploadId, 1, Buffer.from(text))] }
      }
      const uploads = [await prepare('one'), await prepare('two')]
      const attempts = uploads.map(({ uploadId, parts }) =>
        suite.driver.completeMultipartUpload(ref, uploadId, parts, { ifNoneMatch: '*' }),
      )
      const outcomes = await Promise.allSettled(attempts)
      if (suite.differs('no-conditional-complete')) {
        for (const attempt of attempts) expect(await codeOf(attempt)).toBe('NotSupported')
        return
      }
      const lost = outcomes.findIndex(({ status }) => status === 'rejected')
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await codeOf(attempts[lost]!)).toBeOneOf(['PreconditionFailed', 'ConditionalConflict'])
      expect((await read(suite, ref)).toString()).toBe(['one', 'two'][1 - lost])
    })

    itUnless(suite, 'no-conditional-complete')('If-Match replaces what was seen', async () => {
      const { ref, uploadId, parts } = await begin({}, [bytesOf(9)])
      const { etag } = await put(suite, ref, 'seen')
      const complete = (ifMatch: string) => suite.driver.completeMultipartUpload(ref, uploadId, parts, { ifMatch })
      expect(await codeOf(complete('0123456789abcdef0123456789abcdef'))).toBe('PreconditionFailed')
      await complete(etag)
    })
  })

  const describeChecksums = suite.differs('no-multipart-checksums') ? () => {} : describe
  describeChecksums('checksums', () => {
    const joined = (['crc32', 'crc32c', 'crc64nvme'] as const).filter(
      (algorithm) =>
        !suite.differs('no-multipart-checksums') && !(algorithm === 'crc64nvme' && suite.differs('no-crc64nvme')),
    )
    it.each(joined)('%s of the whole object is joined from its parts', async (algorithm) => {
      const { ref, uploadId, parts } = await begin({ checksumAlgorithm: algorithm, checksumType: 'FULL_OBJECT' })
      const single = await put(suite, freshRef(suite), whole, { checksum: { algorithm } })
      const written = await suite.driver.completeMultipartUpload(ref, uploadId, parts, { checksum: single.checksum! })
      expect(written.checksum).toEqual({ algorithm, type: 'FULL_OBJECT', value: single.checksum!.value })
      expect((await suite.driver.headObject(ref)).checksum).toEqual(written.checksum)
    })

    it('of composite type is the digest of digests', async () => {
      const { ref, uploadId, parts } = await begin({ checksumAlgorithm: 'sha256' })
      const bare = parts.map(({ partNumber, etag }) => ({ partNumber, etag }))
      expect(await codeOf(suite.driver.completeMultipartUpload(ref, uploadId, bare))).toBe('InvalidRequest')
      const digests = chunks.map((data) => createHash('sha256').update(data).digest())
      const value = `${createHash('sha256').update(Buffer.concat(digests)).digest('base64')}-3`
      const written = await suite.driver.completeMultipartUpload(ref, uploadId, parts)
      expect(written.checksum).toEqual({ algorithm: 'sha256', type: 'COMPOSITE', value })
    })

    const kinds = [
      ['sha256', 'COMPOSITE'],
      ['md5', 'COMPOSITE'],
      ['crc32', 'COMPOSITE'],
      ['crc32c', 'FULL_OBJECT'],
    ] as const
    const itWithParts = suite.differs('no-part-reads') ? () => {} : it.each(kinds)
    itWithParts('%s, %s, of a part comes with the part', async (algorithm, checksumType) => {
      // The SDK of the s3 driver sends values of the latest algorithms and does not compute them.
      const value = (data: Buffer) => (algorithm === 'md5' ? { value: base64('md5', data) } : {})
      const ref = freshRef(suite)
      const { uploadId } = await suite.driver.createMultipartUpload(ref, { checksumAlgorithm: algorithm, checksumType })
      const parts: Part[] = []
      for (const [i, data] of chunks.entries()) {
        const expectation = { contentLength: data.length, checksum: { algorithm, ...value(data) } }
        const sent = await suite.driver.uploadPart(ref, uploadId, i + 1, bodyOf(data), expectation)
        parts.push({ partNumber: i + 1, etag: sent.etag, checksum: { algorithm, value: sent.checksum!.value } })
      }
      await suite.driver.completeMultipartUpload(ref, uploadId, parts, { checksumType })
      for (const { partNumber, checksum } of parts) {
        const object = await suite.driver.getObject(ref, { partNumber })
        await object.close()
        const expected = { ...checksum, type: checksumType }
        expect(object.head.checksum).toEqual(expected)
        expect((await suite.driver.headObject(ref, { partNumber })).checksum).toEqual(expected)
      }
      expect((await suite.driver.headObject(ref)).checksum?.value).not.toBe(parts[0]!.checksum!.value)
    })

    it('is required for each part with a composite type, and computed for a full-object type', async () => {
      const ref = freshRef(suite)
      const start = async (checksumType: 'COMPOSITE' | 'FULL_OBJECT') =>
        (await suite.driver.createMultipartUpload(ref, { checksumAlgorithm: 'crc32', checksumType })).uploadId
      const composite = await start('COMPOSITE')
      const sendOnly = (uploadId: string, o = {}) =>
        suite.driver.uploadPart(ref, uploadId, 1, bodyOf('123456789'), { contentLength: 9, ...o })
      await expect(sendOnly(composite)).rejects.toMatchObject({ code: 'InvalidRequest' })
      const other = { algorithm: 'sha256', value: base64('sha256', Buffer.from('123456789')) }
      await expect(sendOnly(composite, { checksum: other })).rejects.toMatchObject({ code: 'InvalidRequest' })
      const full = await start('FULL_OBJECT')
      await expect(sendOnly(full, { checksum: other })).rejects.toMatchObject({ code: 'InvalidRequest' })
      const { etag } = await sendOnly(full)
      const complete = (checksumType: 'COMPOSITE' | 'FULL_OBJECT') =>
        suite.driver.completeMultipartUpload(ref, full, [{ partNumber: 1, etag }], { checksumType })
      await expect(complete('COMPOSITE')).rejects.toMatchObject({ code: 'InvalidRequest' })
      expect((await complete('FULL_OBJECT')).checksum).toMatchObject({ algorithm: 'crc32', value: 'y/Q5Jg==' })
    })

    it('names an unfinished upload', async () => {
      const ref = freshRef(suite)
      const kind = { checksumAlgorithm: 'crc32c', checksumType: 'FULL_OBJECT' } as const
      await suite.driver.createMultipartUpload(ref, kind)
      const { uploads } = await suite.driver.listMultipartUploads({ bucket: suite.bucket, prefix: ref.key })
      expect(uploads).toMatchObject([{ key: ref.key, ...kind }])
    })

    it('rejects a wrong checksum, and unknown types', async () => {
      const { ref, uploadId, parts } = await begin({ checksumAlgorithm: 'crc32', checksumType: 'FULL_OBJECT' })
      const wrong = { algorithm: 'crc32', value: 'AAAAAA==' } as const
      expect(await codeOf(suite.driver.completeMultipartUpload(ref, uploadId, parts, { checksum: wrong }))).toBe(
        'BadDigest',
      )
      await suite.driver.abortMultipartUpload(ref, uploadId)
      const create = suite.driver.createMultipartUpload(ref, {
        checksumAlgorithm: 'sha256',
        checksumType: 'FULL_OBJECT',
      })
      expect(await codeOf(create)).toBe('InvalidRequest')
      expect(await codeOf(suite.driver.createMultipartUpload(ref, { checksumType: 'COMPOSITE' }))).toBe(
        'InvalidRequest',
      )
    })
  })
}
