/* oxlint-disable vitest/no-conditional-expect -- where stores differ, what each does instead is asserted too */
import { PassThrough } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import {
  base64,
  bodyOf,
  bytesOf,
  freshPrefix,
  freshRef,
  md5,
  partSize,
  put,
  codeOf,
  type Suite,
} from './suite-tools.ts'

export function multipart(suite: Suite): void {
  const unknown = '0'.repeat(52)

  it('lists its parts in pages, with the last upload of each number', async () => {
    const ref = freshRef(suite)
    const { driver } = suite
    const { uploadId } = await driver.createMultipartUpload(ref)
    for (const number of [3, 1, 7, 3])
      await driver.uploadPart(ref, uploadId, number, bodyOf(`part ${number}`), { contentLength: 6 })
    const second = await driver.uploadPart(ref, uploadId, 3, bodyOf('again'), { contentLength: 5 })
    expect(second.etag).toBe(md5(Buffer.from('again')))
    const { parts } = await driver.listParts(ref, uploadId)
    expect(parts.map(({ partNumber, contentLength }) => [partNumber, contentLength])).toEqual([
      [1, 6],
      [3, 5],
      [7, 6],
    ])
    expect(parts[1]).toMatchObject({ etag: second.etag })
    const first = await driver.listParts(ref, uploadId, { maxParts: 2 })
    expect(first).toMatchObject({ isTruncated: true, nextPartNumberMarker: 3 })
    const rest = await driver.listParts(ref, uploadId, { maxParts: 2, partNumberMarker: 3 })
    expect(rest.parts.map(({ partNumber }) => partNumber)).toEqual([7])
    expect(rest.isTruncated).toBe(false)
    await driver.abortMultipartUpload(ref, uploadId)
  })

  it('does not exist after an abort, also for a part in flight', async () => {
    const ref = freshRef(suite)
    const { driver } = suite
    const { uploadId } = await driver.createMultipartUpload(ref)
    await driver.uploadPart(ref, uploadId, 1, bodyOf('x'), { contentLength: 1 })
    await driver.abortMultipartUpload(ref, uploadId)
    expect(await codeOf(driver.uploadPart(ref, uploadId, 2, bodyOf('x'), { contentLength: 1 }))).toBe('NoSuchUpload')
    expect(await codeOf(driver.listParts(ref, uploadId))).toBe('NoSuchUpload')
    expect(
      await codeOf(driver.completeMultipartUpload(ref, uploadId, [{ partNumber: 1, etag: md5(Buffer.from('x')) }])),
    ).toBe('NoSuchUpload')
    expect(await codeOf(driver.headObject(ref))).toBe('NotFound')
  })

  it('is NoSuchUpload for an id that is unknown or belongs to another key', async () => {
    const ref = freshRef(suite)
    const { driver } = suite
    const { uploadId } = await driver.createMultipartUpload(ref)
    const other = freshRef(suite)
    expect(await codeOf(driver.uploadPart(other, uploadId, 1, bodyOf('x'), { contentLength: 1 }))).toBe('NoSuchUpload')
    expect(await codeOf(driver.abortMultipartUpload(other, uploadId))).toBe('NoSuchUpload')
    expect(await codeOf(driver.uploadPart(ref, unknown, 1, bodyOf('x'), { contentLength: 1 }))).toBe('NoSuchUpload')
    expect(await codeOf(driver.listParts(ref, unknown))).toBe('NoSuchUpload')
    await driver.abortMultipartUpload(ref, uploadId)
  })

  it.each([0, -1, 10_001, 1.5])('rejects part number %d', async (number) => {
    const ref = freshRef(suite)
    const { uploadId } = await suite.driver.createMultipartUpload(ref)
    expect(await codeOf(suite.driver.uploadPart(ref, uploadId, number, bodyOf('x'), { contentLength: 1 }))).toBe(
      'InvalidArgument',
    )
    await suite.driver.abortMultipartUpload(ref, uploadId)
  })

  it('verifies a part like an object', async () => {
    const ref = freshRef(suite)
    const { driver } = suite
    const { uploadId } = await driver.createMultipartUpload(ref)
    const send = (o: object) => driver.uploadPart(ref, uploadId, 1, bodyOf('hello'), { contentLength: 5, ...o })
    expect(await codeOf(send({ md5: base64('md5', Buffer.from('other')) }))).toBe('BadDigest')
    expect(await codeOf(send({ contentLength: 6 }))).toBe('IncompleteBody')
    expect(await codeOf(send({ contentLength: 4 }))).toBe('IncompleteBody')
    expect(await codeOf(send({ maxBytes: 4 }))).toBe('EntityTooLarge')
    expect((await driver.listParts(ref, uploadId)).parts).toEqual([])
    await send({ md5: base64('md5', Buffer.from('hello')) })
    await driver.abortMultipartUpload(ref, uploadId)
  })

  it('reports a part that is being written', async () => {
    const ref = freshRef(suite)
    const { uploadId } = await suite.driver.createMultipartUpload(ref)
    const body = new PassThrough()
    const writing = suite.driver.uploadPart(ref, uploadId, 1, body, { contentLength: 2 })
    body.write('1')
    await setTimeout(20)
    expect(suite.driver.isBeingWritten(ref)).toBe(!suite.differs('cannot-tell-writers'))
    body.end('2')
    await writing
    expect(suite.driver.isBeingWritten(ref)).toBe(false)
    await suite.driver.abortMultipartUpload(ref, uploadId)
  })

  describe('a part copied from an object', () => {
    it('contains the requested range', async () => {
      const [source, ref] = [freshRef(suite), freshRef(suite)]
      const data = bytesOf(partSize + 1000)
      const { etag } = await put(suite, source, data)
      const { driver } = suite
      const { uploadId } = await driver.createMultipartUpload(ref)
      const whole = await driver.uploadPartCopy(ref, uploadId, 1, source)
      expect(whole.etag).toBe(md5(data))
      const some = await driver.uploadPartCopy(ref, uploadId, 2, source, { range: { start: 10, end: 99 } })
      expect(some.etag).toBe(md5(data.subarray(10, 100)))
      expect(some.lastModified.getTime()).toBeGreaterThan(0)
      const past = { start: 10, end: data.length }
      expect(await codeOf(driver.uploadPartCopy(ref, uploadId, 3, source, { range: past }))).toBeOneOf([
        'InvalidArgument',
        'InvalidRange',
      ])
      const conditions = { sourceConditions: { ifNoneMatch: etag } }
      expect(await codeOf(driver.uploadPartCopy(ref, uploadId, 3, source, conditions))).toBe('PreconditionFailed')
      expect(await codeOf(driver.uploadPartCopy(ref, uploadId, 3, freshRef(suite)))).toBe('NotFound')
      await driver.abortMultipartUpload(ref, uploadId)
    })
  })

  describe('the listing of uploads', () => {
    it('is ordered by key and age, with prefix, delimiter and markers', async () => {
      const prefix = freshPrefix()
      const { driver, bucket } = suite
      const started: { key: string; uploadId: string }[] = []
      for (const name of ['b', 'a', 'a', 'c/1', 'c/2', '\u{1f600}', '\uff5e']) {
        const key = prefix + name
        started.push({ key, ...(await driver.createMultipartUpload({ bucket, key })) })
        await setTimeout(2)
      }
      const all = await driver.listMultipartUploads({ bucket, prefix })
      expect(all.uploads.map(({ key }) => key.slice(prefix.length))).toEqual([
        'a',
        'a',
        'b',
        'c/1',
        'c/2',
        '\uff5e',
        '\u{1f600}',
      ])
      expect(all.uploads.map(({ uploadId }) => uploadId).toSorted()).toEqual(
        started.map((one) => one.uploadId).toSorted(),
      )

      const folding = driver.listMultipartUploads({ bucket, prefix, delimiter: '/' })
      if (suite.differs('no-folded-uploads')) expect(await codeOf(folding)).toBe('NotSupported')
      else {
        expect((await folding).commonPrefixes).toEqual([`${prefix}c/`])
        expect((await folding).uploads).toHaveLength(5)
      }

      const seen: string[] = []
      let page = await driver.listMultipartUploads({ bucket, prefix, maxUploads: 2 })
      for (;;) {
        seen.push(...page.uploads.map(({ uploadId }) => uploadId))
        if (!page.isTruncated) break
        const markers = { keyMarker: page.nextKeyMarker!, uploadIdMarker: page.nextUploadIdMarker! }
        page = await driver.listMultipartUploads({ bucket, prefix, maxUploads: 2, ...markers })
      }
      expect(seen).toEqual(all.uploads.map(({ uploadId }) => uploadId))

      for (const { key, uploadId } of started) await driver.abortMultipartUpload({ bucket, key }, uploadId)
      expect((await driver.listMultipartUploads({ bucket, prefix })).uploads).toEqual([])
    })
  })
}
