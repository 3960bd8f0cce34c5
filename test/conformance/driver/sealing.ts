import { expect, it } from 'vitest'
import { bytesOf, freshRef, put, read, codeOf, type Suite, itUnless } from './suite-tools.ts'

/** After a seal the reference it answered reads these bytes or nothing, whatever is done with URLs issued before. */
export function sealing(suite: Suite): void {
  it('protects the bytes against every kind of write to the first key', async () => {
    const [ref, to] = [freshRef(suite), freshRef(suite).key]
    const data = bytesOf(10_000)
    const { etag } = await put(suite, ref, data, { contentType: 'image/png' })
    const sealed = await suite.driver.sealObject(ref, { etag, to })
    expect(sealed.etag).toBe(etag)
    const version = sealed.versionId === undefined ? {} : { versionId: sealed.versionId }
    const served = async (): Promise<boolean> => (await read(suite, sealed.ref, version)).equals(data)
    expect(await served()).toBe(true)

    const other = freshRef(suite)
    await put(suite, other, 'other bytes')
    await put(suite, ref, 'overwritten').catch(() => {})
    expect(await served()).toBe(true)
    await suite.driver.copyObject(other, ref).catch(() => {})
    expect(await served()).toBe(true)
    expect((await suite.driver.headObject(sealed.ref, version)).contentType).toBe('image/png')
  })

  itUnless(suite, 'seals-elsewhere')('is AccessDenied to write, 412 to a create-only write', async () => {
    const ref = freshRef(suite)
    const { etag } = await put(suite, ref, 'final')
    const sealed = await suite.driver.sealObject(ref, { etag, to: freshRef(suite).key, keepSource: true })
    expect(sealed.ref).toEqual(ref)
    expect(await codeOf(put(suite, ref, 'x'))).toBe('AccessDenied')
    expect(await codeOf(put(suite, ref, 'x', { ifNoneMatch: '*' }))).toBe('PreconditionFailed')
    expect(await codeOf(suite.driver.copyObject(ref, ref, { metadataDirective: 'REPLACE' }))).toBe('AccessDenied')
    expect(await codeOf(suite.driver.createMultipartUpload(ref))).toBe('AccessDenied')
    expect((await read(suite, ref)).toString()).toBe('final')
  })

  it('keeps the first key readable on request', async () => {
    const ref = freshRef(suite)
    const { etag } = await put(suite, ref, 'public bytes')
    const sealed = await suite.driver.sealObject(ref, { etag, to: freshRef(suite).key, keepSource: true })
    expect((await read(suite, ref)).toString()).toBe('public bytes')
    expect((await read(suite, sealed.ref)).toString()).toBe('public bytes')
  })

  itUnless(suite, 'no-revisions')('refuses another write of the same bytes', async () => {
    const ref = freshRef(suite)
    const { etag } = await put(suite, ref, 'bytes', { contentType: 'image/png' })
    const { revision } = await suite.driver.headObject(ref)
    await put(suite, ref, 'bytes', { contentType: 'text/html' })
    const again = await suite.driver.headObject(ref)
    expect(again.revision).not.toBe(revision)
    const to = freshRef(suite).key
    expect(await codeOf(suite.driver.sealObject(ref, { etag, revision: revision!, to }))).toBe('PreconditionFailed')
    expect((await suite.driver.sealObject(ref, { etag, revision: again.revision!, to })).etag).toBe(etag)
  })

  it('rejects bytes that differ from the verified ones', async () => {
    const ref = freshRef(suite)
    const { etag } = await put(suite, ref, 'verified')
    await put(suite, ref, 'swapped')
    expect(await codeOf(suite.driver.sealObject(ref, { etag, to: freshRef(suite).key }))).toBe('PreconditionFailed')
    expect(await codeOf(suite.driver.sealObject(freshRef(suite), { etag, to: freshRef(suite).key }))).toBe('NotFound')
    await put(suite, ref, 'still writable')
  })

  it('deletes a sealed object', async () => {
    const ref = freshRef(suite)
    const { etag } = await put(suite, ref, 'final')
    const sealed = await suite.driver.sealObject(ref, { etag, to: freshRef(suite).key })
    await suite.driver.deleteObject(sealed.ref, sealed.versionId === undefined ? {} : { versionId: sealed.versionId })
    expect(await codeOf(read(suite, sealed.ref))).toBe('NotFound')
  })

  it('never mixes in the bytes of a write that races the seal', async () => {
    for (let round = 0; round < 20; round++) {
      const ref = freshRef(suite)
      const { etag } = await put(suite, ref, 'verified')
      const [sealed] = await Promise.allSettled([
        suite.driver.sealObject(ref, { etag, to: freshRef(suite).key }),
        put(suite, ref, 'too late'),
      ])
      if (sealed.status === 'rejected') continue
      const { ref: at, versionId } = sealed.value
      expect((await read(suite, at, versionId === undefined ? {} : { versionId })).toString()).toBe('verified')
    }
  }, 30_000)
}
