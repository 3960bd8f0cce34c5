import { PassThrough, Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import {
  bodyOf,
  bytesOf,
  collect,
  freshPrefix,
  freshRef,
  isThere,
  md5,
  MiB,
  put,
  read,
  codeOf,
  itUnless,
  type Suite,
} from './suite-tools.ts'

const KiB = 1024

export function objects(suite: Suite): void {
  it.each([0, 1, 256 * KiB - 1, 256 * KiB, 256 * KiB + 1, 512 * KiB + 3, 3 * MiB + 7])(
    'reads back %d bytes as they were written',
    async (size) => {
      const ref = freshRef(suite)
      const data = bytesOf(size)
      const written = await put(suite, ref, data)
      expect(written).toMatchObject({ etag: md5(data), contentLength: size })
      const head = await suite.driver.headObject(ref)
      expect(head).toMatchObject({ etag: md5(data), contentLength: size })
      expect((await read(suite, ref)).equals(data)).toBe(true)
    },
  )

  it('sends to a stream without ending it', async () => {
    const ref = freshRef(suite)
    const data = bytesOf(2 * MiB + 11)
    await put(suite, ref, data)
    const out = new PassThrough()
    const received = collect(out)
    await (await suite.driver.getObject(ref)).sendTo(out)
    expect(out.writableEnded).toBe(false)
    out.end()
    expect((await received).equals(data)).toBe(true)
  })

  it('rejects sendTo when the reader disconnects, and serves the next one', async () => {
    const ref = freshRef(suite)
    const data = bytesOf(4 * MiB)
    await put(suite, ref, data)
    const out = new Writable({ highWaterMark: 1, write: () => setTimeout(20).then(() => out.destroy()) })
    await expect((await suite.driver.getObject(ref)).sendTo(out)).rejects.toThrow(Error)
    expect((await read(suite, ref)).equals(data)).toBe(true)
  })

  it('stops a download when its signal is aborted', async () => {
    const ref = freshRef(suite)
    await put(suite, ref, bytesOf(4 * MiB))
    const abort = new AbortController()
    const out = new Writable({ highWaterMark: 1, write: () => abort.abort(new Error('enough')) })
    await expect((await suite.driver.getObject(ref)).sendTo(out, abort.signal)).rejects.toThrow(Error)
    out.destroy()
  })

  it('lets an object be closed unread, twice', async () => {
    const ref = freshRef(suite)
    await put(suite, ref, bytesOf(MiB))
    const object = await suite.driver.getObject(ref)
    await object.close()
    await object.close()
    expect(object.head.contentLength).toBe(MiB)
  })

  it('keeps headers and metadata', async () => {
    const ref = freshRef(suite)
    const headers = {
      contentType: 'image/jpeg',
      contentDisposition: 'attachment; filename="a.jpg"',
      contentLanguage: 'de',
      cacheControl: 'max-age=60',
      contentEncoding: 'gzip',
      metadata: { album: '2026', 'a-b': 'x y' },
    }
    await put(suite, ref, 'x', headers)
    expect(await suite.driver.headObject(ref)).toMatchObject(headers)
    expect((await suite.driver.getObject(ref)).head).toMatchObject(headers)
  })

  it('replaces an object as a whole', async () => {
    const ref = freshRef(suite)
    await put(suite, ref, 'first', { contentType: 'text/plain', metadata: { a: '1' } })
    const before = await suite.driver.headObject(ref)
    await put(suite, ref, 'second')
    const after = await suite.driver.headObject(ref)
    expect((await read(suite, ref)).toString()).toBe('second')
    expect(after.metadata ?? {}).toEqual({})
    expect(after.lastModified.getTime()).toBeGreaterThanOrEqual(before.lastModified.getTime())
  })

  it('is NotFound for a missing object', async () => {
    const ref = freshRef(suite)
    expect(await codeOf(suite.driver.headObject(ref))).toBe('NotFound')
    expect(await codeOf(suite.driver.getObject(ref))).toBe('NotFound')
    expect(await codeOf(suite.driver.getObjectTags(ref))).toBe('NotFound')
  })

  it('deletes existing and missing objects', async () => {
    const ref = freshRef(suite)
    await put(suite, ref, 'x')
    await suite.driver.deleteObject(ref)
    expect(await isThere(suite, ref)).toBe(false)
    await suite.driver.deleteObject(ref)
  })

  it('deletes many keys in one call', async () => {
    const prefix = freshPrefix()
    const keys = ['a', 'b/c', 'ü'].map((name) => prefix + name)
    for (const key of keys) await put(suite, { bucket: suite.bucket, key }, key)
    const results = await suite.driver.deleteObjects(suite.bucket, [...keys, `${prefix}absent`])
    expect(results.filter((result) => result.error)).toEqual([])
    expect(results.map((result) => result.key).toSorted()).toEqual([...keys, `${prefix}absent`].toSorted())
    for (const key of keys) expect(await isThere(suite, { bucket: suite.bucket, key })).toBe(false)
  })

  it('rejects tags if the store keeps none', async () => {
    const ref = freshRef(suite)
    const refused = suite.differs('no-tags') ? 'NotSupported' : 'ok'
    await put(suite, ref, 'x')
    expect(await codeOf(put(suite, ref, 'x', { tags: { kind: 'photo' } }))).toBe(refused)
    expect(await codeOf(suite.driver.putObjectTags(ref, { a: '1' }))).toBe(refused)
    expect(Object.keys(await suite.driver.getObjectTags(ref))).toHaveLength(suite.differs('no-tags') ? 0 : 1)
  })

  itUnless(suite, 'no-tags')('keeps and replaces tags', async () => {
    const ref = freshRef(suite)
    await put(suite, ref, 'x', { tags: { kind: 'photo' } })
    expect(await suite.driver.getObjectTags(ref)).toEqual({ kind: 'photo' })
    await suite.driver.putObjectTags(ref, { a: '1', b: 'two words' })
    expect(await suite.driver.getObjectTags(ref)).toEqual({ a: '1', b: 'two words' })
    await suite.driver.putObjectTags(ref, {})
    expect(await suite.driver.getObjectTags(ref)).toEqual({})
  })

  it('stores the bytes of one of two concurrent writers of a key', async () => {
    const ref = freshRef(suite)
    const bodies = Array.from({ length: 6 }, () => bytesOf(300 * KiB))
    await Promise.all(bodies.map((data) => put(suite, ref, data)))
    const served = await read(suite, ref)
    expect(bodies.some((data) => data.equals(served))).toBe(true)
    expect((await suite.driver.headObject(ref)).etag).toBe(md5(served))
  })

  it('reports a write while it runs', async () => {
    const ref = freshRef(suite)
    const body = new PassThrough()
    const writing = suite.driver.putObject(ref, body, { contentLength: 10 })
    body.write('12345')
    await setTimeout(20)
    expect(suite.driver.isBeingWritten(ref)).toBe(!suite.differs('cannot-tell-writers'))
    body.end('67890')
    await writing
    expect(suite.driver.isBeingWritten(ref)).toBe(false)
  })

  it('is ready, and sweeps nothing that is in use', async () => {
    const ref = freshRef(suite)
    await suite.driver.putObject(ref, bodyOf('kept'), { contentLength: 4 })
    await suite.driver.checkReady()
    await suite.driver.sweep()
    expect((await read(suite, ref)).toString()).toBe('kept')
  })
}
